"""The primary is lost, or steps back, and its standby takes over: docs/high-availability.md as a drill."""

from time import monotonic

import pytest
from sqlalchemy import text

from tests.availability.callers import Callers
from tests.availability.pair import Pair, open_wallets, until
from tests.conftest import as_reader
from tests.test_backup import audited, call_of, log_of
from tests.test_outage import RESEND, resend
from wallet_service.database import create_desk_engine

CALLERS = 6


@pytest.fixture
def pair(tmp_path):
    pair = Pair(tmp_path)
    yield pair
    pair.stop()


@pytest.fixture
def callers(pair, new_service):
    callers = Callers(new_service(pair.url, WALLET_LOG_LEVEL="ERROR"), CALLERS)
    open_wallets(pair.url, callers.players, "100000")
    return callers


def log_at(server):
    return log_of(f"postgresql://postgres@127.0.0.1:{server.port}/postgres")


@pytest.mark.parametrize(
    "lose", [lambda pair: pair.first.kill(whole=True), Pair.silence_first], ids=["killed", "silent"]
)
def test_no_acknowledged_call_is_lost_with_the_primary(pair, callers, lose):
    pair.require_standby()
    with callers.calling():
        callers.wait_for_more(60)
        lose(pair)
        lost_at = monotonic()
        pair.promote()
        promoted_at = monotonic()
        callers.wait_for_more(1)
        found_at = monotonic()
        callers.wait_for_more(60)
    # For docs/high-availability.md: pytest -s shows it.
    print(f"promoted in {promoted_at - lost_at:.2f} s, first call {found_at - promoted_at:.2f} s later")  # noqa: T201 - what docs/high-availability.md tells
    callers.check(log_at(pair.second))
    audit = audited(pair.url)
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_without_waiting_for_the_standby_acknowledged_calls_are_lost_and_the_drill_sees_it(pair, callers):
    with callers.calling():
        callers.wait_for_more(20)
        pair.part()
        callers.wait_for_more(20)
        pair.first.kill(whole=True)
    pair.promote()
    assert callers.lost(log_at(pair.second))


def test_what_the_standby_does_not_have_is_not_acknowledged(pair, callers, new_service):
    service = new_service(pair.url, WALLET_LOG_LEVEL="ERROR")
    pair.require_standby()
    pair.part()
    bet = call_of("Bet", 0, 1)
    assert service.v4_02(*bet).json() == RESEND
    pair.rejoin()
    answer = resend(service, *bet)
    assert answer["error"] == 0
    until(lambda: log_at(pair.second) == {("p0", "B1"): answer["transactionId"]})


def test_a_refund_that_the_primary_alone_has_is_not_acknowledged_to_its_resend(pair, callers, new_service):
    """Who waited for the standby is ended: the refund is seen from then on, and a promotion would take it back."""
    service = new_service(pair.url, WALLET_LOG_LEVEL="ERROR")
    pair.require_standby()
    assert service.v4_02(*call_of("Bet", 0, 1)).json()["error"] == 0
    pair.part()
    refund = call_of("Refund", 0, 1)
    assert service.v4_02(*refund).json() == RESEND
    end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    assert pair.ask(pair.first, end)
    until(lambda: ("p0", "R1") in log_at(pair.first))
    other = new_service(pair.url, WALLET_LOG_LEVEL="ERROR")  # which does not rest after waiting in vain
    assert other.v4_02(*refund).json() == RESEND
    assert ("p0", "R1") not in log_at(pair.second)

    pair.rejoin()
    answer = resend(service, *refund)
    assert answer["error"] == 0
    until(lambda: log_at(pair.second).get(("p0", "R1")) == answer["transactionId"])


def test_connections_leave_a_server_that_takes_no_writes_any_more(pair, callers, new_service):
    service = new_service(pair.url, WALLET_LOG_LEVEL="ERROR")
    assert service.v4_02(*call_of("Bet", 0, 1)).json()["error"] == 0
    assert service.http.get("/readyz").status_code == 200
    pair.ask(pair.first, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    until(lambda: pair.ask(pair.first, "SHOW transaction_read_only") == "on")
    written = pair.ask(pair.first, "SELECT pg_current_wal_flush_lsn()::text")
    until(lambda: pair.ask(pair.second, f"SELECT pg_last_wal_replay_lsn() >= '{written}'"))
    pair.promote()

    answer = resend(service, *call_of("Bet", 0, 2))
    assert answer["error"] == 0
    assert log_at(pair.second)["p0", "B2"] == answer["transactionId"]
    assert ("p0", "B2") not in log_at(pair.first)
    until(lambda: service.http.get("/readyz").status_code == 200)


def test_the_desk_reads_a_standby_and_where_there_is_none_the_primary(pair):
    url = as_reader(pair.url).replace("read-write", "prefer-standby")
    reads = create_desk_engine(url, 1, read_only=True)

    def is_standby():
        with reads.connect() as connection:
            return connection.scalar(text("SELECT pg_is_in_recovery()"))

    assert is_standby()
    pair.second.stop()
    assert not is_standby()
    reads.dispose()
