"""The transactions of all wallets in one order, page by page, for readers that come back for ever and must miss none.

The order is (``at``, ``id``), which an index has. But a transaction gets its time before its commit, so at any moment
some with an earlier time than others that are there already may still be on their way; a reader that went on behind
those would never see them. So a page ends at a time before which nothing can come any more:

1. The database's clock is read.
2. Who adds to ``transactions`` holds a lock on the table, from before the row's time is taken until the commit is seen
   by all: PostgreSQL does so with every INSERT, whoever makes it, through a wait for a synchronous standby too. Those
   who hold one now (``pg_locks``, which every role may read) are awaited. They are open for milliseconds.
3. Whatever was written before the time of step 1 is there now, and what comes later has a later time.

Nobody is kept waiting by that but the reader; while somebody keeps such a transaction open, the feed stands still
before it. Two ways were left out. The id of the transaction (``xid8``) in a column of its own would order commits as
well, but ids begin anew in a restored database, go separate ways in a replica's and mean nothing across the machines of
a distributed one, and the cursors of years would be void; times stay. A time after which "surely" everything is
committed, alone, would trust that nobody ever switches a timeout off.

What is trusted is the clock: set back by more than ``MARGIN``, or handed over to a standby whose clock is that far
behind, it gives new rows times that readers have passed.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import monotonic, sleep
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Engine, and_, select, text, tuple_
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from wallet_service.ledger.models import Round, Transaction

__all__ = ["BEGINNING", "Feed", "FeedPage", "FeedRow", "FeedUnavailableError", "Position"]

MARGIN = timedelta(seconds=5)
"""How far the end of the feed is behind the clock: more than a synchronised clock is ever set back, and more than
``STATEMENT_TIMEOUT_MS``, which is all there is to rely on where the locks are on other machines."""
PATIENCE_S = 1.0
LOOK_EVERY_S = 0.01

NOW = text("SELECT clock_timestamp() AS now, CAST(current_setting('transaction_read_only') AS boolean) AS is_standby")
"""A primary that was told to take no writes is on its way to be none: what is new may be elsewhere by now."""
WRITERS = text("""
SELECT l.virtualtransaction FROM pg_locks l
WHERE l.locktype = 'relation' AND l.relation = CAST('transactions' AS regclass) AND l.mode = 'RowExclusiveLock'
  AND l.granted AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
""")


class Position(NamedTuple):
    """A place in the feed: behind the transaction with this time and id."""

    at: datetime
    id: UUID


BEGINNING = Position(datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One transaction. ``amount`` is signed as the wallet sees it, ``stated`` is what the caller named.

    ``seq`` counts the transactions of one wallet, from 1 and without a gap.
    """

    at: datetime
    user_id: str
    currency: str
    seq: int
    id: UUID
    call: str
    round_id: str | None
    game_id: str | None
    """Of the round, where it is known."""
    reference: str
    amount: Decimal
    balance: Decimal
    stated: Decimal | None
    bonus_code: str | None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some transactions, the position behind them, and the time before which the reader has now all there are.

    ``complete_to`` is ``None`` where that is not known yet.
    """

    rows: list[FeedRow]
    next: Position
    complete_to: datetime | None


class FeedUnavailableError(Exception):
    """The database does not answer in time, or is a standby, which cannot tell what is on its way."""


_COLUMNS = tuple(
    getattr(Round if item.name == "game_id" else Transaction, item.name).label(item.name) for item in fields(FeedRow)
)


class Feed:
    """The feed of one database. Threads may share it."""

    def __init__(self, engine: Engine, margin: timedelta = MARGIN) -> None:
        """Read with the engine, whose statements must see what was committed before each of them began."""
        self._engine = engine
        self._margin = margin
        self._settled_to: datetime | None = None

    def page(self, after: Position, limit: int) -> FeedPage:
        """Return the next transactions, at most ``limit``; none where all that are settled were read.

        Raises:
            FeedUnavailableError: they cannot be read now.

        """
        try:
            with self._engine.connect() as connection:
                settled_to = self._settle(connection)
                rows = _rows(connection, after, settled_to, limit) if settled_to else []
        except (DBAPIError, PoolTimeoutError) as error:
            raise FeedUnavailableError(str(error).partition("\n")[0]) from error
        last = Position(rows[-1].at, rows[-1].id) if rows else after
        return FeedPage(rows, last, last.at if len(rows) == limit else settled_to)

    def _settle(self, connection: Connection) -> datetime | None:
        """Return a time before which nothing is on its way: the newest that could be proven, by this call or before."""
        now, is_standby = connection.execute(NOW).one()
        if is_standby:
            connection.invalidate()  # the primary may be elsewhere by the next time
            raise FeedUnavailableError("the database is a standby")
        awaited = _writers(connection)
        give_up_at = monotonic() + PATIENCE_S
        while awaited and monotonic() < give_up_at:
            sleep(LOOK_EVERY_S)
            awaited &= _writers(connection)
        if not awaited:
            settled_to = now - self._margin
            self._settled_to = max(settled_to, self._settled_to or settled_to)
        return self._settled_to


def _writers(connection: Connection) -> set[str]:
    """Return the transactions that may have added to the log, and are not committed."""
    return set(connection.scalars(WRITERS))


def _rows(connection: Connection, after: Position, before: datetime, limit: int) -> list[FeedRow]:
    its_round = and_(Round.user_id == Transaction.user_id, Round.round_id == Transaction.round_id)
    key = tuple_(Transaction.at, Transaction.id)
    query = (
        select(*_COLUMNS)
        .join_from(Transaction, Round, its_round, isouter=True)
        .where(key > tuple_(*after), Transaction.at < before)
        .order_by(Transaction.at, Transaction.id)
        .limit(limit)
    )
    return [FeedRow(*row) for row in connection.execute(query)]
