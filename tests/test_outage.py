"""The database gone, silent and back: 998 while it is away, no partial effect, and the resend works (rule 17)."""

import signal
import subprocess

import httpx
import psutil
import pytest
from sqlalchemy import text

from tests.conftest import ENVIRONMENT, WALLET_SERVICE
from wallet_service.database import create_migration_engine
from wallet_service.embedded import EmbeddedPostgres
from wallet_service.schema import migrate

PATIENCE_S = 3.0  # Lucky Monaco's own, after which an answer comes too late


@pytest.fixture
def database(tmp_path):
    server = EmbeddedPostgres(tmp_path / "data")
    url = server.start()
    migrate(url)
    yield server, url
    server.stop()


@pytest.fixture
def wallet(database, new_service):

    _, url = database
    subprocess.run(
        [WALLET_SERVICE, "wallet", "open", "p", "USD", "--balance", "100"],
        env={**ENVIRONMENT, "WALLET_DATABASE_URL": url},
        check=True,
        capture_output=True,
    )
    service = new_service(url)
    service.http.timeout = httpx.Timeout(PATIENCE_S)
    return service


BET = {
    "providerId": "LM",
    "userId": "p",
    "sessionId": "s",
    "uuid": "u",
    "currency": "USD",
    "amount": "10",
    "reference": "b1",
    "roundId": "r1",
    "gameId": "g",
    "gameName": "Game",
    "roundDetails": "spin",
    "timestamp": "1760000000000",
}
REFUND = {name: BET[name] for name in ("providerId", "userId", "uuid", "currency", "roundId", "gameId", "gameName")}
REFUND["reference"] = "f1"
BALANCE = {name: BET[name] for name in ("providerId", "userId", "sessionId", "uuid", "currency")}

RESEND = {"error": 998, "description": "Internal error, resend"}


def processes(server):
    postmaster = psutil.Process(server.server.get_pid())
    return [postmaster, *postmaster.children(recursive=True)]


def test_database_stopped_and_started_again(database, wallet):
    server, _ = database
    assert wallet.v4_02("Bet", BET).json()["error"] == 0
    server.server.stop()
    for call, body in (("Refund", REFUND), ("Bet", {**BET, "reference": "b2"}), ("Balance", BALANCE)):
        response = wallet.v4_02(call, body)
        assert (response.status_code, response.json()) == (200, RESEND)
    v4 = wallet.v4("Refund", {"providerId": "LM", "userId": "p", "reference": "b1", "roundId": "r1"})
    assert (v4.status_code, v4.json()["error"]["code"]) == (503, "G.998")
    ready = wallet.http.get("/readyz")
    assert (ready.status_code, ready.json()["reason"]) == (503, "the database cannot be reached")
    assert wallet.http.get("/healthz").status_code == 200

    server.server.start()
    answers = [wallet.v4_02("Refund", REFUND).json() for _ in range(3)]
    assert [answer["error"] for answer in answers][-2:] == [0, 0], "the service finds the database again by itself"
    assert wallet.v4_02("Balance", BALANCE).json()["cash"] == "100.00"
    assert wallet.http.get("/readyz").status_code == 200


def test_database_that_falls_silent(database, wallet):
    server, _ = database
    assert wallet.v4_02("Bet", BET).json()["error"] == 0
    stopped = processes(server)
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    try:
        assert wallet.v4_02("Refund", REFUND).json() == RESEND, "on a connection that was open"
        assert wallet.v4_02("Refund", REFUND).json() == RESEND, "on a connection that must be made"
    finally:
        for process in stopped:
            process.send_signal(signal.SIGCONT)
    assert wallet.v4_02("Refund", REFUND).json()["error"] == 0
    assert wallet.v4_02("Balance", BALANCE).json()["cash"] == "100.00"


def test_a_lock_held_too_long(database, wallet):

    _, url = database
    assert wallet.v4_02("Bet", BET).json()["error"] == 0
    with create_migration_engine(url).connect() as connection:
        connection.execute(text("SELECT FROM wallets FOR UPDATE"))
        assert wallet.v4_02("Refund", REFUND).json() == RESEND
        connection.rollback()
    assert wallet.v4_02("Refund", REFUND).json()["error"] == 0
