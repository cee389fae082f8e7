"""The database gone, silent and back: 998 while it is away, no partial effect, and the resend works (rule 17)."""

import re
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import text

from tests.conftest import ENVIRONMENT, WALLET_SERVICE, Service, as_owner, as_superuser, database_settings
from wallet_service.database import create_migration_engine, create_wallet_engine
from wallet_service.embedded_roles import SERVICE_LOGIN
from wallet_service.ledger.calls import OpenWallet
from wallet_service.ledger.ledger import Ledger, LedgerUnavailableError

PATIENCE_S = 3.0  # Lucky Monaco's own, after which an answer comes too late


@pytest.fixture
def wallet(own_server, new_service):

    _, url = own_server
    subprocess.run(
        [WALLET_SERVICE, "wallet", "open", "p", "USD", "--balance", "100"],
        env={**ENVIRONMENT, **database_settings(url)},
        check=True,
        capture_output=True,
    )
    service = new_service(url)
    # Its own time for each answer; waiting for one of many connections is the test's affair.
    service.http.timeout = httpx.Timeout(PATIENCE_S, pool=30)
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


def resend(wallet, call, body):
    """Send a call as Lucky Monaco does: again after 998, and not for ever."""
    for _ in range(1000):
        answer = wallet.v4_02(call, body).json()
        if answer != RESEND:
            return answer
    raise AssertionError("the wallet does not come back")


def processes(server):
    postmaster = psutil.Process(server.server.get_pid())
    return [postmaster, *postmaster.children(recursive=True)]


def test_database_stopped_and_started_again(own_server, wallet):
    server, _ = own_server
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
    assert resend(wallet, "Refund", REFUND)["error"] == 0, "the service finds the database again by itself"
    assert wallet.v4_02("Balance", BALANCE).json()["cash"] == "100.00"
    assert wallet.http.get("/readyz").status_code == 200


def test_database_that_falls_silent(own_server, wallet):
    server, _ = own_server
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
    assert resend(wallet, "Refund", REFUND)["error"] == 0
    assert wallet.v4_02("Balance", BALANCE).json()["cash"] == "100.00"


def test_of_several_hosts_the_last_is_found_however_long_the_others_are_silent(own_server):
    """Each that is gone takes its time, and what is left of a call's patience by then is nothing."""
    _, url = own_server
    found = re.search(r"host=([^&]+)", url)
    assert found
    host = found[1]
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as another:
        ports = [str(silent.getsockname()[1]) for silent in (one, another)]
        hosts = f"host=127.0.0.1,127.0.0.1,{host}&port={','.join(ports)},5432"
        engine = create_wallet_engine(re.sub(r"host=[^&]+", hosts, url), 1)
        ledger = Ledger(engine)
        answers = []
        for _ in range(3):
            with suppress(LedgerUnavailableError):
                answers.append(ledger.apply(OpenWallet("q", "USD", Decimal(0))).outcome)
        engine.dispose()
    assert answers, "a connection that was made late is there for the next call"


def test_a_lock_held_too_long(own_server, wallet):

    _, url = own_server
    assert wallet.v4_02("Bet", BET).json()["error"] == 0
    with create_migration_engine(as_owner(url)).connect() as connection:
        connection.execute(text("SELECT FROM wallets FOR UPDATE"))
        assert wallet.v4_02("Refund", REFUND).json() == RESEND
        connection.rollback()
    assert resend(wallet, "Refund", REFUND)["error"] == 0


def at_once(number, send):
    """Send so many requests together and return their answers; each must come within Lucky Monaco's patience."""
    with ThreadPoolExecutor(number) as pool:
        return [response.json() for response in pool.map(lambda _: send(), range(number))]


def test_many_calls_while_the_database_is_silent_are_all_answered_in_time(own_server, wallet):
    server, _ = own_server
    assert wallet.v4_02("Balance", BALANCE).json()["error"] == 0
    stopped = processes(server)
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    try:
        assert at_once(64, lambda: wallet.v4_02("Balance", BALANCE)) == [RESEND] * 64
    finally:
        for process in stopped:
            process.send_signal(signal.SIGCONT)
    assert resend(wallet, "Balance", BALANCE)["error"] == 0


def test_a_stuck_wallet_does_not_hold_up_the_others(own_server, wallet):
    _, url = own_server
    engine = create_migration_engine(as_owner(url))
    ledger_engine = create_wallet_engine(url, connections=1)
    Ledger(ledger_engine).apply(OpenWallet("q", "USD", Decimal(5)))
    ledger_engine.dispose()
    with engine.connect() as connection:
        connection.execute(text("SELECT FROM wallets WHERE user_id = 'p' FOR UPDATE"))
        with ThreadPoolExecutor(1) as pool:
            stuck = pool.submit(at_once, 64, lambda: wallet.v4_02("Bet", BET))
            other = wallet.v4_02("Balance", {**BALANCE, "userId": "q"}).json()
            assert stuck.result() == [RESEND] * 64
        connection.rollback()
    assert other["cash"] == "5.00"
    assert resend(wallet, "Bet", BET)["error"] == 0


def test_a_standby_is_not_written_to_and_says_so(own_server, wallet):
    _, url = own_server
    with create_migration_engine(as_superuser(url)).connect() as connection:
        connection.execute(text(f"ALTER ROLE {SERVICE_LOGIN} SET default_transaction_read_only = on"))
        connection.execute(text("COMMIT"))
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wallet_service'"
        connection.execute(text(query))
    resend(wallet, "Balance", BALANCE)
    response = wallet.v4_02("Bet", BET)
    assert (response.status_code, response.json()) == (200, RESEND)
    ready = wallet.http.get("/readyz")
    assert (ready.status_code, ready.json()["reason"]) == (503, "the database is read-only; is it a standby?")


def test_a_log_that_cannot_be_written_does_not_fail_a_call(own_server):
    _, url = own_server
    with Path("/dev/full").open("w") as full:
        service = Service(url, stderr=full, WALLET_LOG_LEVEL="INFO")
    try:
        body = {**BALANCE, "userId": "nobody"}
        assert service.v4_02("Balance", body).json() == {"error": 62, "description": "Player not found"}
        assert service.v4_02("Nothing", body).json()["error"] == 57
    finally:
        service.stop()
