"""What each of the last 30 days came to, fast however many transactions there are.

Transactions are append-only and get their time under their wallet's lock, in a statement of at most seconds. So what
lies some minutes back never changes: it is counted once, hour by hour, and kept in memory, a few numbers a day. What
came since is counted afresh, at most every half a minute and only while somebody looks. A thread beside the requests
counts; a page waits for it a moment, then shows what is there and says so. Each process counts for itself.

A refusal is counted on the day it was first made, and how often it was made goes on growing. So the earlier days'
are counted anew, but seldom.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import inf
from threading import Condition, Thread
from time import monotonic

import structlog
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from wallet_service.admin.overview_reads import (
    Refusals,
    Tallies,
    Tally,
    add_tallies,
    refusals_between,
    tallies_between,
    written_to,
)
from wallet_service.ledger.money import ZERO

__all__ = ["DAYS", "Day", "DaySums", "Refunded", "Sums"]

DAYS = 30
SETTLED_AFTER = timedelta(minutes=5)
"""By then every statement that could still write an earlier time has ended long since."""
FRESH_FOR_S = 30.0
REFUSALS_FRESH_FOR_S = 600.0
"""Of the earlier days' refusals."""
OLD_AFTER_S = 120.0
"""Sums that nobody looked at for so long are shown as what they are."""
PATIENCE_S = 0.1
HOUR = timedelta(hours=1)
A_DAY = timedelta(days=1)
WINS = ("result", "promo_win", "bonus_win", "jackpot_win")

log = structlog.get_logger("desk")


@dataclass(frozen=True, slots=True)
class Day:
    """A UTC day's number of bets, of wins that paid something, and of refunds that returned something."""

    day: str
    bets: int
    wins: int
    refunds: int


@dataclass(frozen=True, slots=True)
class Refunded:
    """What was refunded in one currency, in all and by day, in the order of ``Sums.days``."""

    currency: str
    refunds: int
    total: Decimal
    amounts: list[Decimal]


@dataclass(frozen=True, slots=True)
class RefusedFor:
    """How many requests were refused for one reason, and how often they were made."""

    outcome: str
    requests: int
    times: int


@dataclass(frozen=True, slots=True)
class Sums:
    """The last 30 days, today last; none before they are first counted.

    ``complete`` is false where the counting is behind.
    """

    days: list[Day]
    refunded: list[Refunded]
    refused: list[RefusedFor]
    refused_today: int
    """Requests that were refused today and never before."""
    counted_to: datetime | None
    complete: bool


class DaySums:
    """The sums of one database. Threads may share it."""

    def __init__(self, reads: Engine) -> None:
        self._reads = reads
        self._state = Condition()
        self._counting = False
        self._tried_at = -inf
        self._counted_at = -inf
        self._sums = Sums([], [], [], 0, None, complete=False)
        # Only the thread that counts has to do with these.
        self._settled: Tallies = defaultdict(Tally)
        self._settled_to: datetime | None = None
        self._refused: Refusals = {}
        self._refused_to: datetime | None = None
        self._refused_at = -inf

    def read(self, patience: float = PATIENCE_S) -> Sums:
        """Return the sums as last counted; where they are not fresh, have them counted and wait a moment."""
        with self._state:
            if not self._counting and monotonic() - self._tried_at > FRESH_FOR_S:
                self._counting = True
                Thread(target=self._count_and_tell, name="day-sums", daemon=True).start()
            self._state.wait_for(lambda: not self._counting, patience)
            return replace(self._sums, complete=monotonic() - self._counted_at < OLD_AFTER_S)

    def _count_and_tell(self) -> None:
        started = monotonic()
        try:
            sums = self._count()
            with self._state:
                self._sums, self._counted_at = sums, started
        except SQLAlchemyError as error:
            # What was counted stays, and the page says until when; a later look tries again.
            log.warning("overview not counted", error=str(error).partition("\n")[0])
        finally:
            with self._state:
                self._counting, self._tried_at = False, monotonic()
                self._state.notify_all()

    def _count(self) -> Sums:
        with self._reads.connect() as connection:
            now = connection.execute(select(func.now())).scalar_one().astimezone(UTC)
            settled_to = written_to(connection).astimezone(UTC) - SETTLED_AFTER
        first = now.replace(hour=0, minute=0, second=0, microsecond=0) - (DAYS - 1) * A_DAY
        for key in [key for key in self._settled if key[0] < first.date()]:
            del self._settled[key]
        for start, end in _hours(max(self._settled_to or first, first), settled_to):
            add_tallies(self._settled, self._between(start, end))
            self._settled_to = end
        tallies: Tallies = defaultdict(Tally)
        add_tallies(tallies, self._settled)
        for start, end in _hours(self._settled_to or first, now):
            add_tallies(tallies, self._between(start, end))
        return _sums(tallies, *self._refused_between(first, now), now)

    def _refused_between(self, first: datetime, now: datetime) -> tuple[list[RefusedFor], int]:
        """Return what was refused since a day's beginning, most asked for first, and how many requests today."""
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self._refused_to != today or monotonic() - self._refused_at > REFUSALS_FRESH_FOR_S:
            started, earlier = monotonic(), Refusals()
            for number in range((today - first).days):
                self._add_refusals(earlier, first + number * A_DAY, first + (number + 1) * A_DAY)
            self._refused, self._refused_to, self._refused_at = earlier, today, started
        refused = Refusals(self._refused)
        earlier_requests = sum(requests for requests, _ in refused.values())
        self._add_refusals(refused, today, now)
        rows = [RefusedFor(outcome, requests, times) for outcome, (requests, times) in refused.items()]
        of_today = sum(row.requests for row in rows) - earlier_requests
        return sorted(rows, key=lambda row: (-row.times, row.outcome)), of_today

    def _add_refusals(self, to: Refusals, start: datetime, end: datetime) -> None:
        with self._reads.connect() as connection:
            more = refusals_between(connection, start, end)
        for outcome, (requests, times) in more.items():
            before = to.get(outcome, (0, 0))
            to[outcome] = before[0] + requests, before[1] + times

    def _between(self, start: datetime, end: datetime) -> Tallies:
        # A connection for each stretch: none is kept from the pages for long.
        with self._reads.connect() as connection:
            return tallies_between(connection, start, end)


def _sums(tallies: Tallies, refused: list[RefusedFor], refused_today: int, now: datetime) -> Sums:
    days = [now.date() - number * A_DAY for number in reversed(range(DAYS))]
    refunded = [_refunded(tallies, days, currency) for currency in {currency for _, _, currency in tallies}]
    return Sums(
        [
            Day(
                day.isoformat(),
                _number(tallies, day, ("bet",), moving=False),
                _number(tallies, day, WINS, moving=True),
                _number(tallies, day, ("refund",), moving=True),
            )
            for day in days
        ],
        sorted((row for row in refunded if row.refunds), key=lambda row: (-row.refunds, row.currency)),
        refused,
        refused_today,
        now,
        complete=True,
    )


def _number(tallies: Tallies, day: date, calls: tuple[str, ...], *, moving: bool) -> int:
    found = (tally for (of_day, call, _), tally in tallies.items() if of_day == day and call in calls)
    return sum(tally.moving if moving else tally.number for tally in found)


def _refunded(tallies: Tallies, days: list[date], currency: str) -> Refunded:
    found = [tallies.get((day, "refund", currency), Tally()) for day in days]
    return Refunded(
        currency,
        sum(tally.moving for tally in found),
        sum((tally.amount for tally in found), ZERO),
        [tally.amount for tally in found],
    )


def _hours(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches from ``start`` to ``end``, cut at every full hour."""
    while start < end:
        until = min(start.replace(minute=0, second=0, microsecond=0) + HOUR, end)
        yield start, until
        start = until
