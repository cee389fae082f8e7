"""The one door to the money: a call goes in, its database function runs, a receipt comes out."""

from collections.abc import Callable
from itertools import count
from threading import BoundedSemaphore
from time import monotonic
from typing import Any

from psycopg import errors
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from uuid_utils import uuid7

from wallet_service.ledger.breaker import IN_VAIN_AFTER_S, ONE_PLAYER_S, Breaker
from wallet_service.ledger.call_groups import CallGroups
from wallet_service.ledger.calls import Call
from wallet_service.ledger.group_commit import WaitedTooLongError
from wallet_service.ledger.outcomes import Receipt
from wallet_service.ledger.statements import FIELDS, IDS, STATEMENTS, receipt_of

__all__ = ["Ledger", "LedgerUnavailableError"]

RETRIED = (errors.SerializationFailure, errors.DeadlockDetected)
"""Lost a race and left nothing behind."""
ATTEMPTS = 4
RETRY_WITHIN_S = 1.0

# The database is away, or busy beyond our patience. Any other error of the driver is a mistake of ours, and stays one.
UNAVAILABLE = (errors.OperationalError, errors.InterfaceError, errors.ReadOnlySqlTransaction)
BEGIN_WITHIN_S = 1.5
"""A call that has waited longer is not begun by itself: with the statement's own time, nobody would wait for it."""


class LedgerUnavailableError(Exception):
    """The call could not be carried out now. Whether it took effect is not known; it may be sent again (rule 17)."""


class Ledger:
    """Applies calls to the money in one PostgreSQL database. Safe to share between threads."""

    def __init__(
        self,
        engine: Engine,
        *,
        reverse_settled: bool = False,
        group_engine: Engine | None = None,
        calls_together: int = 1,
        pooled: bool = False,
        on_statement: Callable[[int, float], None] = lambda _calls, _seconds: None,
    ) -> None:
        """Use the engine's database.

        With ``reverse_settled``, a refund takes back a settled round's wins (rule 4). With a ``group_engine`` (of
        ``create_group_engine``), wallet calls that wait at the same time are applied together over its connection, at
        most ``calls_together`` by one statement; ``pooled`` says that this connection is a pooler's, which drops the
        lock timeout that it asks for. After each statement ``on_statement`` is told how many calls were in
        it, and how many seconds it took, whether or not it failed.
        """
        self._engine = engine
        self._reverse_settled = reverse_settled
        self._on_statement = on_statement
        self._breaker = Breaker()
        self._groups = None
        if group_engine:
            self._groups = CallGroups(group_engine, self._breaker, calls_together, on_statement, pooled=pooled)
        self._alone = BoundedSemaphore(engine.pool.size())  # type: ignore[attr-defined]  # that of a QueuePool

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn to be applied together."""
        return self._groups.waiting if self._groups else 0

    def apply(self, call: Call) -> Receipt:
        """Apply one call and say how it ended. When this returns, the effect is durable.

        Raises:
            LedgerUnavailableError: the database could not be reached or did not finish in time.

        """
        begin_by = monotonic() + BEGIN_WITHIN_S
        values = {name: getattr(call, name) for name in FIELDS[type(call)]}
        values |= {name: str(uuid7()) for name in IDS[type(call)]}
        values["reverse"] = self._reverse_settled
        if self._groups and not self._breaker.resting(call.user_id):
            try:
                receipt = self._groups.apply(call, values)
            except WaitedTooLongError as error:
                raise LedgerUnavailableError("too many calls wait") from error
            if receipt:
                return receipt
        self._check_rest(call)
        patience = begin_by - monotonic()
        if patience <= 0 or not self._alone.acquire(timeout=patience):
            raise LedgerUnavailableError("no database connection is free in time")
        try:
            return self._apply_alone(call, values)
        finally:
            self._alone.release()

    def _check_rest(self, call: Call) -> None:
        if self._breaker.resting(call.user_id):
            raise LedgerUnavailableError("the database did not answer a moment ago")

    def _apply_alone(self, call: Call, values: dict[str, Any]) -> Receipt:
        started = monotonic()
        for attempt in count(1):
            self._check_rest(call)  # others may have waited in vain meanwhile
            began = monotonic()
            try:
                with self._engine.connect() as connection:
                    return receipt_of(connection.execute(STATEMENTS[type(call)], values).one())
            except PoolTimeoutError as error:
                raise LedgerUnavailableError("no database connection is free") from error
            except DBAPIError as error:
                waited = monotonic() - started
                if isinstance(error.orig, RETRIED) and attempt < ATTEMPTS and waited < RETRY_WITHIN_S:
                    continue
                if not isinstance(error.orig, (*UNAVAILABLE, *RETRIED)):
                    raise
                if waited > IN_VAIN_AFTER_S:
                    self._breaker.trip(call.user_id if isinstance(error.orig, ONE_PLAYER_S) else None)
                raise LedgerUnavailableError(str(error.orig).partition("\n")[0]) from error
            finally:
                self._on_statement(1, monotonic() - began)
        raise AssertionError  # count() does not end; without this line mypy would expect a receipt here
