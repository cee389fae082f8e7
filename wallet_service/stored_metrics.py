"""What Prometheus is told of what the database holds: money refunded, what waits for somebody, how far was compared.

Read whenever Prometheus asks, by queries with a bound (``overview_reads``). Every process with an admin port tells the
same of one database: they are to be told apart by their instance, and never added up.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from threading import Lock
from time import monotonic

import structlog
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from wallet_service.admin.day_sums import SETTLED_AFTER
from wallet_service.admin.overview_reads import tallies_between, waiting, written_to
from wallet_service.ledger.reconciliations import reconciled_to

__all__ = ["StoredMetrics"]

STRETCH = timedelta(minutes=1)
"""Transactions that one query adds up: few enough to be added up within a statement's time, or they never would be."""
COUNT_FOR_S = 2.0
"""Where nobody asked for long, the rest is added up when they ask again: Prometheus gives up after some seconds."""

BUILD = InfoMetricFamily("wallet_build", "Which release this is.", {"version": version("wallet-service")})

log = structlog.get_logger("metrics")


class StoredMetrics(Collector):
    """The numbers of one database, since this process began to look. Threads may share it."""

    def __init__(self, reads: Engine, calls: Engine) -> None:
        """Read over the connections of ``reads``; ``calls`` leads to where calls go, which need not be the same."""
        self._reads = reads
        self._calls = calls
        self._lock = Lock()
        self._counted_to: datetime | None = None
        self._refunds: defaultdict[str, int] = defaultdict(int)
        self._refunded: defaultdict[str, Decimal] = defaultdict(Decimal)

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: who registers this does not read the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return the numbers; where the database cannot be read, what was added up before."""
        up = GaugeMetricFamily("wallet_database_up", "1 where calls could reach the database just now, 0 where not.")
        gauges: list[Metric] = []
        with self._lock:
            up.add_metric((), self._is_up())
            try:
                with self._reads.connect() as connection:
                    gauges = _waiting(connection)
                self._count()
            except SQLAlchemyError as error:
                log.warning("metrics not read", error=str(error).partition("\n")[0])
            return [BUILD, up, *gauges, *self._counters()]

    def _is_up(self) -> bool:
        try:
            with self._calls.connect() as connection:
                return connection.scalar(select(1)) == 1
        except SQLAlchemyError as error:
            log.warning("database unreachable", error=str(error).partition("\n")[0])
            return False

    def _count(self) -> None:
        """Add up the refunds that have become settled: whatever was to be written with an earlier time is there."""
        started = monotonic()
        with self._reads.connect() as connection:
            until = written_to(connection) - SETTLED_AFTER
            start = self._counted_to or until
            while start < until and monotonic() - started < COUNT_FOR_S:
                end = min(start + STRETCH, until)
                for (_, call, currency), tally in tallies_between(connection, start, end).items():
                    if call == "refund":
                        self._refunds[currency] += tally.moving
                        self._refunded[currency] += tally.amount
                start = self._counted_to = end
            self._counted_to = start

    def _counters(self) -> list[Metric]:
        after = "which are told five minutes after they were paid"
        refunds = CounterMetricFamily("wallet_refunds", f"Refunds that returned money, {after}.", labels=("currency",))
        refunded = CounterMetricFamily("wallet_refunded_amount", f"Money of refunds, {after}.", labels=("currency",))
        for currency, number in self._refunds.items():
            refunds.add_metric((currency,), number)
            refunded.add_metric((currency,), float(self._refunded[currency]))
        return [refunds, refunded]


def _waiting(connection: Connection) -> list[Metric]:
    """Return what waits for somebody by now, and how long it has."""
    now = connection.execute(select(func.now())).scalar_one()
    found = waiting(connection)
    numbers = GaugeMetricFamily(
        "wallet_waiting", "What waits for somebody; 1000 means as many or more.", labels=("what",)
    )
    numbers.add_metric(("long_open_rounds",), found.long_open_rounds.number)
    numbers.add_metric(("overdue_cancellations",), found.overdue_cancellations.number)
    numbers.add_metric(("reviews",), found.reviews.number)
    oldest = GaugeMetricFamily("wallet_oldest_review_seconds", "How long the oldest open review has waited.")
    oldest.add_metric((), (now - found.oldest_review_at).total_seconds() if found.oldest_review_at else 0)
    metrics: list[Metric] = [numbers, oldest]
    done_to = reconciled_to(connection)
    if done_to:
        lag = GaugeMetricFamily(
            "wallet_reconciliation_lag_seconds", "How long ago the latest period ended that was reconciled."
        )
        lag.add_metric((), (now - done_to).total_seconds())
        metrics.append(lag)
    return metrics
