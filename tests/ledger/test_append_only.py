"""The log is kept as it was written, whoever asks otherwise: these statements run as the tables' owner."""

import pytest
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transactions SET amount = 0 WHERE user_id = :u",
        "DELETE FROM transactions WHERE user_id = :u",
        "TRUNCATE transactions CASCADE",
        "UPDATE wallets SET opening_balance = 1 WHERE user_id = :u",
        "UPDATE wallets SET currency = 'EUR' WHERE user_id = :u",
    ],
)
def test_the_past_cannot_be_changed(player, owner, statement):
    player.bet("10")
    with owner.connect() as connection, pytest.raises(DBAPIError, match="is refused: it is kept for ever") as error:
        connection.execute(text(statement), {"u": player.user_id} if ":u" in statement else {})
    assert isinstance(error.value.orig, errors.InsufficientPrivilege)
    assert len(player.log()) == 1


def test_no_balance_goes_below_zero(player, owner):
    with owner.connect() as connection, pytest.raises(DBAPIError) as error:
        connection.execute(text("UPDATE wallets SET balance = -1 WHERE user_id = :u"), {"u": player.user_id})
    assert isinstance(error.value.orig, errors.CheckViolation)
