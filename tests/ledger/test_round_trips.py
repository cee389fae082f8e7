"""One database round trip a call, read off the wire protocol itself."""

from typing import Any

import pytest
from sqlalchemy import event

from tests.conftest import as_owner
from wallet_service.database import create_group_engine, create_migration_engine, create_wallet_engine
from wallet_service.ledger.calls import Balance, SessionExpired
from wallet_service.ledger.ledger import Ledger, LedgerUnavailableError
from wallet_service.ledger.outcomes import Outcome
from wallet_service.schema import migrate


@pytest.fixture(params=["each by itself", "by its own statement in its turn", "by the groups' statement"])
def traced(request, database_url, new_player, tmp_path):
    """A player whose ledger writes what it says to the database into a file; a function that counts what it said.

    And the statements that it counted, and how calls go.
    The server ends each round trip by saying that it is ready for the next.
    """
    engine = create_wallet_engine(database_url, connections=1, prepared_statements=True)
    group_engine = create_group_engine(database_url, prepared_statements=True)
    together = request.param != "each by itself"
    ledger = Ledger(
        engine,
        group_engine=group_engine if together else None,
        calls_together=32,
        pooled=request.param == "by the groups' statement",  # then a call that is alone goes by it, too
    )
    player = new_player()
    player = type(player)(player.user_id, ledger, engine)
    statements: list[str] = []
    connections: list[Any] = []
    for one in (engine, group_engine):
        event.listen(one, "before_cursor_execute", lambda _c, _cur, sql, *_: statements.append(sql))
        event.listen(one, "connect", lambda connection, _record: connections.append(connection))
    player.check()
    player.request("a call that goes by itself")
    assert len(connections) == 1 + together

    def count(call):
        statements.clear()
        with (tmp_path / "trace").open("w+") as trace:
            for connection in connections:
                connection.pgconn.trace(trace.fileno())
            call()
            for connection in connections:
                connection.pgconn.untrace()
            trace.seek(0)
            return trace.read().count("ReadyForQuery"), len(statements)

    yield player, ledger, count, statements, request.param
    engine.dispose()
    group_engine.dispose()


def test_each_call_is_one_round_trip(traced):
    player, ledger, count, statements, by = traced
    calls = {
        "bet": lambda n: player.bet("1", round_id=f"r{n}", reference=f"b{n}"),
        "bet, again": lambda n: player.bet("1", round_id=f"r{n}", reference=f"b{n}"),
        "bet beyond the balance": lambda n: player.bet("1000", round_id=f"r{n}", reference=f"x{n}"),
        "refund": lambda n: player.refund(f"r{n}"),
        "request of a cancellation": lambda n: player.request(f"q{n}"),
        "refund that closes it": lambda n: player.refund(f"q{n}"),
        "refund, again": lambda n: player.refund(f"r{n}"),
        "refund by an unknown reference": lambda n: player.refund(None, reference=f"u{n}"),
        "second bet": lambda n: player.bet("1", round_id=f"s{n}", reference=f"s{n}"),
        "result with a promo win": lambda n: player.result(
            "1", round_id=f"s{n}", reference=f"w{n}", promo=("1", f"p{n}")
        ),
        "result, again": lambda n: player.result("1", round_id=f"s{n}", reference=f"w{n}", promo=("1", f"p{n}")),
        "result without a bet": lambda n: player.result("1", round_id=f"t{n}", reference=f"t{n}"),
        "end of a round": lambda n: player.end_round(f"s{n}"),
        "refund of a settled round": lambda n: player.refund(f"s{n}"),
        "cancel": lambda n: player.cancel(f"c{n}", round_id=f"c{n}"),
        "jackpot win": lambda n: player.win("jackpot_win", "1", reference=f"j{n}"),
        "bonus win": lambda n: player.win("bonus_win", "1", reference=f"j{n}", bonus_code="FREE"),
        "deposit": lambda n: player.transfer("deposit", "1", reference=f"d{n}"),
        "check": lambda _: player.check(),
        "balance": lambda _: ledger.apply(Balance(player.user_id, "USD", "{}")),
        "end of a session": lambda _: ledger.apply(SessionExpired(player.user_id, "{}")),
    }
    for number in range(3):  # until the driver has prepared its statements
        for call in calls.values():
            call(number)
    for name, call in calls.items():
        assert count(lambda call=call: call("new")) == (1, 1), name
    count(lambda: calls["bet"]("of which the statement is looked at"))
    assert ("apply_calls" in statements[0]) == (by == "by the groups' statement")


def test_a_lost_race_is_run_again_and_not_for_ever(new_database):
    url = new_database()
    migrate(as_owner(url))
    engine = create_wallet_engine(url, connections=1)
    ledger = Ledger(engine)
    owner = create_migration_engine(as_owner(url))
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE SEQUENCE attempts")
        connection.exec_driver_sql(
            """
            CREATE OR REPLACE FUNCTION session_expired(p_user_id text, p_sent json) RETURNS receipt
            LANGUAGE plpgsql SECURITY DEFINER AS $$
            BEGIN
                IF nextval('attempts') < p_user_id::integer THEN
                    RAISE EXCEPTION 'lost' USING ERRCODE = 'deadlock_detected';
                END IF;
                RETURN ROW('applied', NULL, NULL, NULL)::receipt;
            END
            $$
            """
        )
    assert ledger.apply(SessionExpired("3", "{}")).outcome is Outcome.APPLIED
    with pytest.raises(LedgerUnavailableError):
        ledger.apply(SessionExpired("100", "{}"))
    engine.dispose()
