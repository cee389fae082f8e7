"""The one door to the money: a call goes in, one database function runs, a receipt comes out."""

from dataclasses import fields
from itertools import count
from time import monotonic

from psycopg import errors
from sqlalchemy import Engine, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from uuid_utils.compat import uuid7

from wallet_service.ledger.calls import Balance, Bet, Call, OpenWallet, Refund
from wallet_service.ledger.outcomes import Outcome, Receipt

__all__ = ["Ledger", "LedgerUnavailableError"]

# Every parameter is cast, so that PostgreSQL finds the function by its signature alone. A call is one such statement
# with nothing around it: one round trip, one transaction.
STATEMENTS: dict[type[Call], TextClause] = {
    OpenWallet: text("""
        SELECT outcome, transaction_id, currency, balance FROM open_wallet(
            CAST(:user_id AS text), CAST(:currency AS text), CAST(:opening_balance AS numeric))
    """),
    Balance: text("""
        SELECT outcome, transaction_id, currency, balance FROM balance(
            CAST(:user_id AS text), CAST(:currency AS text), CAST(:sent AS json))
    """),
    Bet: text("""
        SELECT outcome, transaction_id, currency, balance FROM bet(
            CAST(:user_id AS text), CAST(:id AS uuid), CAST(:currency AS text), CAST(:round_id AS text),
            CAST(:game_id AS text), CAST(:reference AS text), CAST(:amount AS numeric), CAST(:bonus_code AS text),
            CAST(:sent AS json))
    """),
    Refund: text("""
        SELECT outcome, transaction_id, currency, balance FROM refund(
            CAST(:user_id AS text), CAST(:id AS uuid), CAST(:currency AS text), CAST(:round_id AS text),
            CAST(:game_id AS text), CAST(:reference AS text), CAST(:amount AS numeric), CAST(:sent AS json))
    """),
}
FIELDS = {kind: tuple(item.name for item in fields(kind)) for kind in STATEMENTS}

RETRIED = (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)
"""Lost a race and left nothing behind. Unique keys are lost only between two wallets of one player (``bet.sql``)."""
ATTEMPTS = 4
RETRY_WITHIN_S = 1.0

# The database is away, or busy beyond our patience. Any other error of the driver is a mistake of ours, and stays one.
UNAVAILABLE = (errors.OperationalError, errors.InterfaceError)


class LedgerUnavailableError(Exception):
    """The call could not be carried out now. Whether it took effect is not known; it may be sent again (rule 17)."""


class Ledger:
    """Applies calls to the money in one PostgreSQL database. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def apply(self, call: Call) -> Receipt:
        """Apply one call and say how it ended. When this returns, the effect is durable.

        Raises:
            LedgerUnavailableError: the database could not be reached or did not finish in time.

        """
        values = {name: getattr(call, name) for name in FIELDS[type(call)]}
        values["id"] = uuid7()
        give_up_at = monotonic() + RETRY_WITHIN_S
        for attempt in count(1):
            try:
                with self._engine.connect() as connection:
                    row = connection.execute(STATEMENTS[type(call)], values).one()
                return Receipt(Outcome(row.outcome), row.transaction_id, row.currency, row.balance)
            except PoolTimeoutError as error:
                raise LedgerUnavailableError("no database connection is free") from error
            except DBAPIError as error:
                if isinstance(error.orig, RETRIED) and attempt < ATTEMPTS and monotonic() < give_up_at:
                    continue
                if isinstance(error.orig, (*UNAVAILABLE, *RETRIED)):
                    raise LedgerUnavailableError(str(error.orig).partition("\n")[0]) from error
                raise
        raise AssertionError  # count() does not end; without this line mypy would expect a receipt here
