"""What the overview asks of the database: sums over a stretch of time, and what waits for somebody.

Each query reads a part of an index that has a bound: a stretch of time, or so many of a queue.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, Select, and_, func, literal_column, select, text, true

from wallet_service.ledger.models import Cancellation, Refusal, Review, Round, Transaction
from wallet_service.ledger.money import ZERO
from wallet_service.ledger.round_reads import HAS_A_BET

__all__ = [
    "MOST_COUNTED",
    "OPEN_LIMIT",
    "Refusals",
    "Tallies",
    "Tally",
    "Waiting",
    "add_tallies",
    "refusals_between",
    "tallies_between",
    "waiting",
    "written_to",
]

OPEN_LIMIT = timedelta(hours=24)
"""The policy: a round that is open for longer is looked at."""
MOST_COUNTED = 1000
"""Beyond, people need no number, and the database need not count."""
MOST_SCANNED = 20_000
"""The newest rows of a queue, which are looked at. A round whose bets were all cancelled may stay open for ever."""


WRITTEN_TO = text(
    "SELECT CASE WHEN pg_is_in_recovery()"
    " THEN coalesce(least(now(), pg_last_xact_replay_timestamp()), to_timestamp(0)) ELSE now() END"
)


@dataclass(slots=True)
class Tally:
    """How many transactions there were, how many of them moved money, and how much."""

    number: int = 0
    moving: int = 0
    amount: Decimal = ZERO


Tallies = defaultdict[tuple[date, str, str], Tally]
"""By day, call and currency."""


Refusals = dict[str, tuple[int, int]]
"""By outcome: how many requests were refused, and how often they were made."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, up to ``MOST_COUNTED``; ``is_least`` says that there may be more."""

    number: int
    is_least: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for somebody."""

    long_open_rounds: Count
    opened_before: datetime
    overdue_cancellations: Count
    reviews: Count
    oldest_review_at: datetime | None


def written_to(connection: Connection) -> datetime:
    """Return the time up to which the database has what was written: now, or as far as a standby has followed."""
    return connection.execute(WRITTEN_TO).scalar_one()  # type: ignore[no-any-return]  # a bare statement has no types


def tallies_between(connection: Connection, start: datetime, end: datetime) -> Tallies:
    """Return the tallies of a stretch that lies within one UTC day."""
    query = (
        select(
            Transaction.call,
            Transaction.currency,
            func.count(),
            func.count().filter(Transaction.amount != 0),
            func.sum(Transaction.amount),
        )
        .where(Transaction.at >= start, Transaction.at < end)
        .group_by(Transaction.call, Transaction.currency)
    )
    tallies: Tallies = defaultdict(Tally)
    for call, currency, number, moving, amount in connection.execute(query):
        tallies[start.astimezone(UTC).date(), call, currency] = Tally(number, moving, amount)
    return tallies


def add_tallies(to: Tallies, more: Tallies) -> None:
    """Add tallies to others."""
    for key, tally in more.items():
        sums = to[key]
        sums.number += tally.number
        sums.moving += tally.moving
        sums.amount += tally.amount


def refusals_between(connection: Connection, start: datetime, end: datetime) -> Refusals:
    """Return what was refused to requests that were first made in a stretch of time."""
    query = (
        select(Refusal.outcome, func.count(), func.sum(Refusal.times))
        .where(Refusal.first_at >= start, Refusal.first_at < end)
        .group_by(Refusal.outcome)
    )
    return {outcome: (requests, int(times)) for outcome, requests, times in connection.execute(query)}


def waiting(connection: Connection) -> Waiting:
    """Return what waits for somebody by now."""
    now = connection.execute(select(func.now())).scalar_one()
    opened_before = now - OPEN_LIMIT
    oldest = select(func.min(Review.opened_at)).where(Review.closed_at.is_(None))
    return Waiting(
        _count(
            connection,
            select(HAS_A_BET.label("waits"))
            .where(Round.state == literal_column("'open'"), Round.opened_at < opened_before)
            .order_by(Round.opened_at.desc()),
        ),
        opened_before,
        _count(
            connection,
            select(and_(Cancellation.state == "accepted", Cancellation.due_at <= now).label("waits"))
            .where(Cancellation.due_at.is_not(None))
            .order_by(Cancellation.requested_at.desc()),
        ),
        _count(
            connection,
            select(true().label("waits")).where(Review.closed_at.is_(None)).order_by(Review.opened_at.desc()),
        ),
        connection.scalar(oldest),
    )


def _count(connection: Connection, queue: Select[bool]) -> Count:
    """Count what waits in a queue."""
    scanned = queue.limit(MOST_SCANNED).subquery()
    rows, waits = connection.execute(select(func.count(), func.count().filter(scanned.c.waits))).one()
    return Count(min(waits, MOST_COUNTED), waits > MOST_COUNTED or rows == MOST_SCANNED)
