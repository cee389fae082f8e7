"""Wallet calls that wait at the same time, applied by one statement (see apply_calls.sql)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from json import JSONEncoder
from time import monotonic
from typing import Any

import structlog
from psycopg import errors
from sqlalchemy import Connection, Engine, Integer, column, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from wallet_service.ledger.breaker import IN_VAIN_AFTER_S, ONE_PLAYER_S, Breaker
from wallet_service.ledger.calls import (
    Balance,
    Bet,
    Call,
    Cancel,
    Check,
    EndRound,
    Refund,
    Result,
    SessionExpired,
    Win,
)
from wallet_service.ledger.group_commit import GroupCommit
from wallet_service.ledger.outcomes import Receipt
from wallet_service.ledger.statements import FUNCTIONS, RECEIPT, STATEMENTS, receipt_of

__all__ = ["CallGroups"]

GROUPS_AT_ONCE = 1
"""While one is under way, the next one grows; two at once would share the calls, and the connection, between them."""
PATIENCE_S = 1.0
"""A call that waited longer for its turn is not begun: it could not be answered while anybody waits for it."""

TOGETHER = frozenset({Check, SessionExpired, Balance, Bet, Result, EndRound, Cancel, Refund, Win})
"""The calls that may share a statement."""
LOOKING = (Check, SessionExpired, Balance)
"""Those of them that lock no wallet."""
USED = "wallet_service.used_before"
"""In a pooled connection's ``info``, which is empty again when the connection is made anew."""
APPLY_CALLS = text(
    "SELECT place, outcome, transaction_id, currency, balance"
    " FROM apply_calls(CAST(:players AS text[]), CAST(:calls AS json))"
).columns(column("place", Integer), *RECEIPT)

log = structlog.get_logger("ledger")
_encoder = JSONEncoder(default=str)


class CallGroups:
    """Applies calls in groups. Threads share it."""

    def __init__(
        self,
        engine: Engine,
        breaker: Breaker,
        at_most: int,
        on_statement: Callable[[int, float], None],
        *,
        pooled: bool = False,
    ) -> None:
        """Use the engine's connection, groups of at most so many calls, and the breaker's knowledge of the database.

        The connection is nobody else's: it is kept from one group to the next, until something fails or the engine is
        disposed of, which nobody does while calls are under way. It waits for a lock shortly
        (``create_group_engine``): all that come meanwhile wait with it.
        One that is ``pooled`` may wait for longer, so a single call, too, goes by the statement that waits for no
        wallet. ``on_statement`` is told the calls and the seconds of each statement.
        """
        self._engine = engine
        self._kept: Connection | None = None
        event.listen(engine, "engine_disposed", self._let_go)
        self._breaker = breaker
        self._on_statement = on_statement
        self._pooled = pooled
        self._groups = GroupCommit(self._apply, at_most=at_most, at_once=GROUPS_AT_ONCE, patience=PATIENCE_S)

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return self._groups.waiting

    def apply(self, call: Call, values: dict[str, Any]) -> Receipt | None:
        """Return the receipt of a call with these parameters; ``None`` where it is to be applied by itself.

        Raises:
            WaitedTooLongError: the turn did not come in time. The call was not begun.

        """
        return self._groups.apply((call, values)) if type(call) in TOGETHER else None

    def _apply(self, group: list[tuple[Call, dict[str, Any]]]) -> Sequence[Receipt | None]:
        """Apply calls by one statement; no receipts where that fails, for any reason.

        Should the database have carried it out and its answer be lost, each call by itself finds what it did.
        """
        if self._breaker.resting():
            return ()
        started = monotonic()
        try:
            with self._connected() as connection:
                if len(group) == 1 and not self._pooled:
                    return self._apply_one(connection, *group[0])
                return self._apply_all(connection, group)
        except SQLAlchemyError as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            # One call that waits or takes too long is no silence of the database.
            if not isinstance(reason, ONE_PLAYER_S) and monotonic() - started > IN_VAIN_AFTER_S:
                self._breaker.trip(None)
            # That somebody else has the wallet is nothing unusual.
            if not isinstance(reason, errors.LockNotAvailable):
                log.warning("group failed", calls=len(group), reason=type(reason).__name__)
            return ()
        except Exception:
            log.exception("group failed", calls=len(group))
            return ()
        finally:
            self._on_statement(len(group), monotonic() - started)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Give the connection that is kept, or a new one: to take it from the pool each time is work for each group.

        One that was just made goes back to the pool once, which ends the shorter patience of its first call.
        """
        kept, self._kept = self._kept, None
        connection = kept or self._engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()  # the pool knows whether it can be used again
            raise
        if kept or USED in connection.info:
            self._kept = connection
        else:
            connection.info[USED] = True
            connection.close()

    def _let_go(self, _engine: Engine) -> None:
        kept, self._kept = self._kept, None
        if kept:
            kept.invalidate()
            kept.close()

    def _apply_one(self, connection: Connection, call: Call, values: dict[str, Any]) -> list[Receipt]:
        """Apply a call that nobody waits with by its own statement, which is less work."""
        return [receipt_of(connection.execute(STATEMENTS[type(call)], values).one())]

    def _apply_all(self, connection: Connection, group: list[tuple[Call, dict[str, Any]]]) -> list[Receipt | None]:
        calls = [{"function": FUNCTIONS[type(call)][0], **values} for call, values in group]
        players = sorted({call.user_id for call, _ in group if not isinstance(call, LOOKING)})
        rows = connection.execute(APPLY_CALLS, {"players": players, "calls": _encoder.encode(calls)}).all()
        receipts = {row.place: receipt_of(row) for row in rows}
        return [receipts.get(place) for place in range(len(group))]
