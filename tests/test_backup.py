"""The drill of docs/backup.md: back up under load, lose the machine, restore to a point in time, resend the rest."""

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition

import psutil
import psycopg
import pytest
from sqlalchemy import make_url

from tests.availability.pair import open_wallets
from tests.conftest import ENVIRONMENT, WALLET_SERVICE, as_owner, as_superuser
from wallet_service.embedded import EmbeddedPostgres
from wallet_service.embedded_roles import SERVICE_LOGIN, url_as
from wallet_service.schema import migrate

PROCEDURE = (Path(__file__).parents[1] / "docs" / "backup.md").read_text(encoding="utf-8")
CLIENTS = 3
PLAYERS = [f"p{client}" for client in range(CLIENTS)]


def settings_of(heading, **places):
    """Return the PostgreSQL settings below a heading of the procedure, with this drill's places in them."""
    block = re.search(rf"^## {heading}$.*?```ini\n(.*?)```", PROCEDURE, re.MULTILINE | re.DOTALL)
    assert block, heading
    text = block[1]
    for place, path in places.items():
        assert place in text
        text = text.replace(place, str(path))
    return text


def commands_of(heading):
    """Return the commands below a heading of the procedure."""
    block = re.search(rf"^## {heading}$.*?```sh\n(.*?)```", PROCEDURE, re.MULTILINE | re.DOTALL)
    assert block, heading
    return block[1].splitlines()


@contextmanager
def clients_at(service, acknowledged):
    """Let the clients play meanwhile; they end by themselves once they get no answer."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(play, service, client, acknowledged) for client in range(CLIENTS)]
        try:
            yield
        except BaseException:
            acknowledged.over = True
            raise
        for client in clients:
            client.result()


@dataclass
class Acknowledged:
    """What Lucky Monaco knows: the calls it sent, in the order of each client, and the ids it got."""

    sent: list[list[tuple[str, dict[str, str]]]] = field(default_factory=lambda: [[] for _ in range(CLIENTS)])
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    changed: Condition = field(default_factory=Condition)
    over: bool = False

    def wait_for_more(self, number):
        with self.changed:
            wanted = len(self.ids) + number
            assert self.changed.wait_for(lambda: len(self.ids) >= wanted, timeout=30)


def call_of(call, client, number):
    body = {"providerId": "LM", "userId": f"p{client}", "uuid": "u", "currency": "USD", "roundId": f"r{number}"}
    body |= {"gameId": "g", "gameName": "Game", "reference": f"{call[0]}{number}"}
    if call == "Bet":
        body |= {"sessionId": "s", "amount": "1", "roundDetails": "spin", "timestamp": "1760000000000"}
    return call, body


def play(service, client, acknowledged):
    """Bet, and have the round refunded, until a call gets no answer."""
    for number in range(2_000):
        for call, body in (call_of("Bet", client, number), call_of("Refund", client, number)):
            acknowledged.sent[client].append((call, body))
            answer = service.v4_02(call, body).json()
            if answer["error"] != 0 or acknowledged.over:
                return
            with acknowledged.changed:
                acknowledged.ids[body["userId"], body["reference"]] = answer["transactionId"]
                acknowledged.changed.notify_all()


def scalar(connection, query):
    row = connection.execute(query).fetchone()
    assert row
    return row[0]


def resend(service, sent, at_point):
    """Send a client's calls again, each twice; the bet of a round that is refunded is final, and moves nothing."""
    for call, body in sent:
        refunded = (body["userId"], "R" + body["roundId"][1:]) in at_point
        expected = 999 if call == "Bet" and refunded else 0
        for _ in range(2):
            assert service.v4_02(call, body).json()["error"] == expected, (call, body)


def log_of(superuser):
    with psycopg.connect(superuser) as connection:
        rows = connection.execute("SELECT user_id, reference, id::text FROM transactions").fetchall()
    found = {(user, reference): transaction for user, reference, transaction in rows}
    assert len(found) == len(rows), "each call once"
    return found


def audited(url):
    command = [WALLET_SERVICE, "audit"]
    return subprocess.run(command, env={**ENVIRONMENT, "WALLET_DATABASE_URL": url}, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path):
    def make(name, mode=0o777):
        made = tmp_path / name
        made.mkdir()
        made.chmod(mode)  # PostgreSQL of root runs as a user of its own
        return made

    return make


def archiving_into(archive, server):
    """Start a server with the procedure's settings, its wallets opened; return its URL."""
    server.start()
    with psycopg.connect(server.server.get_uri(), autocommit=True) as connection:
        for line in settings_of("Archive what is written", **{"/archive": archive}).splitlines():
            name, value = line.split(" = ")
            connection.execute(f"ALTER SYSTEM SET {name} = {value}".encode())
    server.server.stop()
    url = url_as(SERVICE_LOGIN, server.start())
    migrate(as_owner(url))
    open_wallets(url, PLAYERS, "2000")
    return url


def backed_up(server, base):
    """Take a base backup. The embedded PostgreSQL's pg_verifybackup crashes, so that step is not drilled."""
    command = [server.server.bin_path / "pg_basebackup", "-d", server.server.get_uri(), "-D", base]
    done = subprocess.run(
        [*command, "--checkpoint=fast", "--wal-method=stream"],
        user=server.server.system_user,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr


def lose(server, folder):
    """Kill every process of the server at once, and delete its data."""
    postmaster = psutil.Process(server.server.get_pid())
    for process in [postmaster, *postmaster.children(recursive=True)]:
        process.kill()
    shutil.rmtree(folder)


def restored_at(point, base, archive, server, folder):
    """Restore the backup as the procedure says; return the server's URL once it is promoted."""
    folder.rmdir()
    shutil.move(base, folder)
    with (folder / "postgresql.auto.conf").open("a") as settings:
        settings.write(settings_of("Restore", **{"/archive": archive, "2026-01-31 12:00:00+00": point}))
    (folder / "recovery.signal").touch()
    url = url_as(SERVICE_LOGIN, server.start())
    with psycopg.connect(server.server.get_uri(), autocommit=True) as connection:
        while scalar(connection, "SELECT pg_is_in_recovery()"):
            pass
    return url


def settle(new_service, url, acknowledged):
    """Serve from what was restored, and have every call sent again; what was there stays, what was not is applied."""
    superuser = as_superuser(url)
    at_point = log_of(superuser)
    report = audited(url)
    assert report.returncode == 0, report.stdout
    service = new_service(url, WALLET_LOG_LEVEL="ERROR")
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda sent: resend(service, sent, at_point), acknowledged.sent))
    settled = log_of(superuser)
    assert settled.keys() == {(body["userId"], body["reference"]) for sent in acknowledged.sent for _, body in sent}
    assert at_point.items() <= settled.items()
    with psycopg.connect(superuser) as connection:
        net = scalar(connection, "SELECT sum(amount) FROM transactions")
        open_rounds = scalar(connection, "SELECT count(*) FROM rounds WHERE state = 'open'")
    assert net == -open_rounds, "whatever was refunded came back once, and nothing else moved"
    report = audited(url)
    assert report.returncode == 0, report.stdout
    service.stop()


def shell(command, server, folder, database):
    """Run a command of the procedure, with the server's own programs, as somebody who may do everything."""
    url = make_url(database)
    environment = {
        "PATH": f"{server.server.bin_path}:{os.environ['PATH']}",
        "DATABASE": database,
        "PGHOST": str(url.query.get("host", url.host)),
        "PGPORT": str(url.port or 5432),
        "PGUSER": str(url.username),
    }
    done = subprocess.run(
        ["bash", "-ec", command], env=environment, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_backed_up_under_load_lost_and_restored_every_acknowledged_call_is_there_once(tmp_path, folder, new_service):
    archive, base = folder("archive"), folder("backups") / "base"
    lost = EmbeddedPostgres(tmp_path / "lost")
    url = archiving_into(archive, lost)
    superuser = lost.server.get_uri()

    acknowledged = Acknowledged()
    service = new_service(url, WALLET_LOG_LEVEL="ERROR")
    with clients_at(service, acknowledged):
        acknowledged.wait_for_more(20)
        backed_up(lost, base)
        acknowledged.wait_for_more(20)
        with psycopg.connect(superuser, autocommit=True) as connection:
            kept = dict(acknowledged.ids)
            point = scalar(connection, "SELECT clock_timestamp()::text")
            acknowledged.wait_for_more(20)
            segment = scalar(connection, "SELECT pg_walfile_name(pg_switch_wal())")
            while not (archive / segment).exists():
                acknowledged.wait_for_more(1)
        lose(lost, tmp_path / "lost" / "postgres")
    service.stop()
    lost.stop()

    restored = EmbeddedPostgres(tmp_path / "restored")
    url = restored_at(point, base, archive, restored, tmp_path / "restored" / "postgres")
    superuser = restored.server.get_uri()

    at_point = log_of(superuser)
    assert kept.items() <= at_point.items(), "what was acknowledged before the point is there"
    assert acknowledged.ids.keys() - at_point.keys(), "what came after it is not: the drill has something to resend"
    settle(new_service, url, acknowledged)
    restored.stop()


def test_a_dump_under_load_is_restored_and_resends_settle_the_rest(own_server, tmp_path, new_service):
    server, url = own_server
    open_wallets(url, PLAYERS, "2000")
    superuser = as_superuser(url)

    acknowledged = Acknowledged()
    service = new_service(url, WALLET_LOG_LEVEL="ERROR")
    with clients_at(service, acknowledged):
        acknowledged.wait_for_more(20)
        kept = dict(acknowledged.ids)
        dump, restore = commands_of("The small case")
        shell(dump, server, tmp_path, superuser)
        acknowledged.wait_for_more(20)
        acknowledged.over = True
    service.stop()

    shell(restore, server, tmp_path, superuser)
    restored = make_url(url).set(database="wallet_restored").render_as_string(hide_password=False)
    at_point = log_of(as_superuser(restored))
    assert kept.items() <= at_point.items(), "what was acknowledged before the dump is in it"
    assert acknowledged.ids.keys() - at_point.keys(), "what came after it is not: the drill has something to resend"
    settle(new_service, restored, acknowledged)
