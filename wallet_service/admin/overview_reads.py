"""What the overview asks of the database: sums over a stretch of time, and what waits for somebody."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, func, literal_column, select
from sqlalchemy.orm import DeclarativeBase

from wallet_service.ledger.models import Cancellation, Refusal, Review, Round, Transaction
from wallet_service.ledger.money import ZERO

__all__ = [
    "MOST_COUNTED",
    "OPEN_LIMIT",
    "RefusedFor",
    "Tallies",
    "Tally",
    "Waiting",
    "add_tallies",
    "refused_since",
    "tallies_between",
    "waiting",
]

OPEN_LIMIT = timedelta(hours=24)
"""The policy: a round that is open for longer is looked at."""
MOST_COUNTED = 1000
"""Beyond, people need no number, and the database need not count."""


@dataclass(slots=True)
class Tally:
    """How many transactions there were, how many of them moved money, and how much."""

    number: int = 0
    moving: int = 0
    amount: Decimal = ZERO


Tallies = defaultdict[tuple[date, str, str], Tally]
"""By day, call and currency."""


@dataclass(frozen=True, slots=True)
class RefusedFor:
    """How many requests were refused for one reason, and how often they were made."""

    outcome: str
    requests: int
    times: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for somebody. A count of more than ``MOST_COUNTED`` means that there are more than that."""

    long_open_rounds: int
    opened_before: datetime
    overdue_cancellations: int
    reviews: int
    oldest_review_at: datetime | None


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


def refused_since(connection: Connection, start: datetime) -> list[RefusedFor]:
    """Return what was refused to requests first made since ``start``; what is asked for most comes first."""
    times = func.sum(Refusal.times)
    query = (
        select(Refusal.outcome, func.count(), times)
        .where(Refusal.first_at >= start)
        .group_by(Refusal.outcome)
        .order_by(times.desc(), Refusal.outcome)
    )
    return [RefusedFor(outcome, requests, int(asked)) for outcome, requests, asked in connection.execute(query)]


def waiting(connection: Connection) -> Waiting:
    """Return what waits for somebody by now."""
    now = connection.execute(select(func.now())).scalar_one()
    opened_before = now - OPEN_LIMIT
    oldest = select(func.min(Review.opened_at)).where(Review.closed_at.is_(None))
    return Waiting(
        _count(
            connection, Round, Round.state == "open", Round.opened_at < opened_before, Round.bets > Round.bets_cancelled
        ),
        opened_before,
        _count(connection, Cancellation, Cancellation.state == "accepted", Cancellation.due_at <= now),
        _count(connection, Review, Review.closed_at.is_(None)),
        connection.scalar(oldest),
    )


def _count(connection: Connection, model: type[DeclarativeBase], *where: ColumnElement[bool]) -> int:
    """Count rows, one beyond ``MOST_COUNTED`` at most."""
    some = select(literal_column("1")).select_from(model).where(*where).limit(MOST_COUNTED + 1).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()
