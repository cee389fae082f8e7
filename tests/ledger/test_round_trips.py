"""One database round trip a call, read off the wire protocol itself."""

from typing import Any

import pytest
from sqlalchemy import event

from wallet_service.database import create_wallet_engine
from wallet_service.ledger.calls import Balance
from wallet_service.ledger.ledger import Ledger


@pytest.fixture
def traced(database_url, new_player, tmp_path):
    """A player whose ledger writes what it says to the database into a file; and a function that counts what it said.

    The server ends each round trip by saying that it is ready for the next.
    """
    engine = create_wallet_engine(database_url, connections=1)
    ledger = Ledger(engine)
    player = new_player()
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cur, sql, *_: statements.append(sql))

    def count(call):
        statements.clear()
        with engine.connect() as connection:
            driver_connection: Any = connection.connection.driver_connection
        with (tmp_path / "trace").open("w+") as trace:
            driver_connection.pgconn.trace(trace.fileno())
            call()
            driver_connection.pgconn.untrace()
            trace.seek(0)
            return trace.read().count("ReadyForQuery"), len(statements)

    yield type(player)(player.user_id, ledger, engine), ledger, count
    engine.dispose()


def test_each_call_is_one_round_trip(traced):
    player, ledger, count = traced
    for number in range(3):  # until the driver has prepared its statements
        player.bet("1", round_id=f"w{number}", reference=f"w{number}")
        player.refund(f"w{number}")
        player.refund(f"w{number}")
        ledger.apply(Balance(player.user_id, "USD", "{}"))
    once = (1, 1)
    assert count(lambda: player.bet("1", round_id="r1")) == once
    assert count(lambda: player.bet("1", round_id="r1")) == once, "a bet's replay"
    assert count(lambda: player.bet("1000", round_id="r1", reference="b2")) == once, "a refusal"
    assert count(lambda: player.refund("r1")) == once, "a first refund"
    assert count(lambda: player.refund("r1")) == once, "a refund's replay"
    assert count(lambda: player.refund(None, reference="b7")) == once, "a refund by an unknown reference"
    assert count(lambda: ledger.apply(Balance(player.user_id, "USD", "{}"))) == once
