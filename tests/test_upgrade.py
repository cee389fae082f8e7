"""Upgrades without a pause (docs/operations.md): migrate, then two releases side by side, then the new one alone."""

import json
import re
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from io import BytesIO
from itertools import count
from pathlib import Path
from threading import Condition

import pytest
from sqlalchemy import text

from tests.conftest import ENVIRONMENT, WALLET_SERVICE, as_reader, database_settings
from wallet_service.database import create_migration_engine, create_wallet_engine
from wallet_service.ledger.calls import OpenWallet
from wallet_service.ledger.functions import CONTRACT
from wallet_service.ledger.grants import CALLER, READER
from wallet_service.ledger.ledger import Ledger
from wallet_service.schema import HEAD

ROOT = Path(__file__).parent.parent
RELEASES = {path.stem: json.loads(path.read_text()) for path in (ROOT / "tests" / "releases").glob("*.json")}
COMMITS = {"0013_part_roles": "cd80108c1dc2"}
"""Where in the history the recorded releases are."""
CLIENTS = 3


@pytest.mark.parametrize("name", RELEASES)
def test_what_a_release_before_asks_of_the_database_is_there(database_url, name):
    """Its calls find their functions, its reads their columns, its role may do both; nothing is carried out."""
    release = RELEASES[name]
    assert (release["contract"], release["revision"] <= HEAD) == (CONTRACT, True), "else it cannot run beside this one"
    engines = {CALLER: create_migration_engine(database_url), READER: create_migration_engine(as_reader(database_url))}
    with engines[CALLER].connect() as connection:
        for call in release["calls"]:
            parameters = dict.fromkeys(re.findall(r"(?<!:):(\w+)", call))
            connection.execute(text(f"EXPLAIN {call}"), parameters)
        for table, privileges in release["writes"].items():
            for privilege, columns in re.findall(r"(\w+)(?: \(([^)]*)\))?", ";".join(privileges)):
                held = "SELECT has_table_privilege(CAST(:table AS text), CAST(:privilege AS text))"
                if columns:
                    held = (
                        "SELECT bool_and(has_column_privilege(CAST(:table AS text), c, CAST(:privilege AS text)))"
                        " FROM unnest(CAST(:columns AS text[])) c"
                    )
                given = {"table": table, "privilege": privilege, "columns": columns.split(", ")}
                assert connection.scalar(text(held), given), (table, privilege, columns)
    for group, reads in release["reads"].items():
        with engines[group].connect() as connection:
            for table, columns in reads.items():
                connection.execute(text(f"SELECT {', '.join(columns)} FROM {table} WHERE false"))
    for engine in engines.values():
        engine.dispose()


def program_of(folder):
    """Return the command of the release whose packages are in the folder."""
    program = folder / "wallet-service"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(folder)!r})\n"
        "if __name__ == '__main__':\n    from wallet_service.cli.main import main\n    main()\n"
    )
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def next_release(tmp_path):
    """What may come after this one: with a migration, and a function that is replaced."""
    folder = tmp_path / "next"
    for name in ("wallet_service", "migrations"):
        shutil.copytree(ROOT / name, folder / name)
    revision = f"{int(HEAD[:4]) + 1:04}_note_rounds"
    (folder / "migrations" / "versions" / f"{revision}.py").write_text(
        f"from alembic import op\n\nrevision = {revision!r}\ndown_revision = {HEAD!r}\n\n\n"
        "def upgrade():\n    op.execute('ALTER TABLE rounds ADD COLUMN note text')\n"
    )
    refund = folder / "wallet_service" / "ledger" / "functions" / "refund.sql"
    refund.write_text(refund.read_text().replace("$$\n", "$$\n-- of the next release\n", 1))
    return program_of(folder)


@pytest.fixture
def previous_release(tmp_path):
    """The newest recorded release, from the history."""
    commit = COMMITS[max(RELEASES)]
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit, "wallet_service", "migrations"], cwd=ROOT, capture_output=True
    )
    if archive.returncode:
        pytest.skip(f"needs the history: {commit} is not in this clone")
    folder = tmp_path / "previous"
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return program_of(folder)


class Load:
    """Clients that bet and have the rounds refunded without a pause, each call at one of the services there are."""

    def __init__(self, services):
        self.services = services
        self.done = [0] * CLIENTS
        self.wrong: list[tuple[str, str, object]] = []
        self.over = False
        self.changed = Condition()

    def play(self, client):
        for number in count():
            for call in ("Bet", "Refund"):
                if self.over:
                    return
                fields = {"providerId": "LM", "userId": f"p{client}", "uuid": "u", "currency": "USD", "gameId": "g"}
                fields |= {"roundId": f"r{number}", "reference": f"{call[0]}{number}", "gameName": "Game"}
                if call == "Bet":
                    fields |= {"sessionId": "s", "amount": "1", "roundDetails": "spin", "timestamp": "1760000000000"}
                service = self.services[self.done[client] % len(self.services)]
                answer = service.v4_02(call, fields).json()["error"]
                with self.changed:
                    if answer:
                        self.wrong.append((call, fields["reference"], answer))
                    self.done[client] += 1
                    self.changed.notify_all()

    def wait_for_more(self, number):
        """Wait until each client has got so many more answers."""
        with self.changed:
            wanted = [done + number for done in self.done]
            assert self.changed.wait_for(
                lambda: all(done >= least for done, least in zip(self.done, wanted, strict=True)), timeout=60
            ), (self.done, wanted)


def run(program, command, url):
    done = subprocess.run(
        [program, command], env={**ENVIRONMENT, **database_settings(url)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done
    return done.stdout


def upgrade(url, old, new, new_service):
    """Do what the page says, under load; return what is wrong with the answers."""
    run(old, "migrate", url)
    engine = create_wallet_engine(url, connections=1)
    for number in range(CLIENTS):
        Ledger(engine).apply(OpenWallet(f"p{number}", "USD", Decimal(100)))
    engine.dispose()
    old_service = new_service(url, program=old, WALLET_LOG_LEVEL="WARNING")
    load = Load([old_service])
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(load.play, client) for client in range(CLIENTS)]
        try:
            load.wait_for_more(5)
            run(new, "migrate", url)
            load.wait_for_more(5)
            service = new_service(url, program=new, WALLET_LOG_LEVEL="WARNING")
            load.services = [old_service, service]
            load.wait_for_more(10)
            load.services = [service]
            load.wait_for_more(2)  # nobody is at the old one now
            assert old_service.stop() == 0
            load.wait_for_more(5)
        finally:
            load.over = True
    for client in clients:
        client.result()
    assert "Clean" in run(new, "audit", url)
    return load.wrong


def test_this_release_serves_on_while_the_next_one_comes(new_database, new_service, next_release):
    url = new_database()
    assert upgrade(url, WALLET_SERVICE, next_release, new_service) == []
    engine = create_migration_engine(url)
    with engine.connect() as connection:
        assert "next release" in connection.scalar(text("SELECT prosrc FROM pg_proc WHERE proname = 'refund'"))
    engine.dispose()


def test_the_release_before_serves_on_while_this_one_comes(new_database, new_service, previous_release):
    assert upgrade(new_database(), previous_release, WALLET_SERVICE, new_service) == []
