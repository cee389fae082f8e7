"""The wallet is started before its database, or with the wrong words for it."""

import json
import signal
import subprocess
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.chaos.postgres import Postgres
from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE, as_owner, free_port
from wallet_service.waiting import TOLD_EVERY_S

WITHIN_S = 60


@pytest.fixture
def start():
    """Start to serve, and say what the log says."""
    started = []

    def begin(url, port=None, **settings):
        process = subprocess.Popen(
            [WALLET_SERVICE, "serve", "--port", str(port or free_port())],
            env={**ENVIRONMENT, **SECRETS, "WALLET_DATABASE_URL": url, **settings},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def lines_up_to(process, words):
    lines = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(lines)


def test_a_database_that_is_down_is_waited_for(own_server, start):
    server, url = own_server
    server.server.stop()
    process = start(url)
    [*_, line] = lines_up_to(process, "waiting for the database")
    told = json.loads(line)
    assert (told["level"], told["variable"]) == ("warning", "WALLET_DATABASE_URL")
    assert "Is the server running" in told["reason"]

    server.server.start()
    lines = lines_up_to(process, "listens on")
    [there] = [json.loads(line) for line in lines if "the database is there" in line]
    assert sum("waiting for" in line for line in lines) <= there["waited_seconds"] / TOLD_EVERY_S, "seldom told again"


def test_who_waits_for_a_database_ends_when_told_to(own_server, start):
    server, url = own_server
    server.server.stop()
    process = start(url)
    lines_up_to(process, "waiting for the database")
    process.send_signal(signal.SIGTERM)
    assert process.wait(WITHIN_S) == 0, "by its own handler: a container's first process has no other"
    server.server.start()


def test_a_reader_that_is_away_keeps_no_call_waiting_for_ever(own_server, start):
    _, url = own_server
    port = free_port()
    apart = {"WALLET_OWNER_DATABASE_URL": as_owner(url)}
    process = start(
        url, port, **apart, WALLET_READER_DATABASE_URL=f"postgresql://reader@127.0.0.1:{free_port()}/wallet"
    )
    lines = lines_up_to(process, "listens on")
    [line] = [json.loads(line) for line in lines if "going on without" in line]
    assert line["variable"] == "WALLET_READER_DATABASE_URL"
    assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server that asks one role for a password."""
    server = Postgres(tmp_path_factory.mktemp("guarded"), free_port())
    server.start()
    server.make_database()
    with server.connect() as connection:
        connection.execute("CREATE ROLE picky LOGIN PASSWORD 'the right one'")
        hba = str(connection.execute("SELECT current_setting('hba_file')").fetchall()[0][0])
        rules = Path(hba).read_text()
        Path(hba).write_text(f"host all picky all scram-sha-256\nhost all barred all reject\n{rules}")
        connection.execute("SELECT pg_reload_conf()")
    yield f"127.0.0.1:{server.port}"
    server.stop()


@pytest.mark.parametrize(
    ("user", "database", "told"),
    [
        ("picky:pass-word", "wallet", "password authentication failed"),
        ("picky", "wallet", "no password supplied"),
        ("barred", "wallet", "pg_hba.conf"),
        ("nobody", "wallet", 'role "nobody" does not exist'),
        ("wallet", "nowhere", 'database "nowhere" does not exist'),
        ("wallet", "wallet?sslmode=require", "does not support SSL"),
    ],
)
def test_what_no_waiting_mends_ends_the_start_with_one_line(guarded, start, user, database, told):
    process = start(f"postgresql://{user}@{guarded}/{database}")
    _, said = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert said.startswith("Error: WALLET_DATABASE_URL: ")
    assert told in said
    assert "pass-word" not in said


def test_a_server_that_is_only_starting_is_waited_for(guarded, start):
    """As are the words of PostgreSQL that say so."""
    host, _, port = guarded.partition(":")
    with psycopg.connect(host=host, port=port, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute("ALTER DATABASE wallet WITH ALLOW_CONNECTIONS false")
        process = start(f"postgresql://wallet@{guarded}/wallet")
        [*_, line] = lines_up_to(process, "waiting for the database")
        assert "not currently accepting connections" in json.loads(line)["reason"]
        connection.execute("ALTER DATABASE wallet WITH ALLOW_CONNECTIONS true")
        said = process.stderr.read()
    assert "the database has no wallet schema" in said, "it went on"
