"""What Prometheus is told of the service: calls and their time, the database's part in it, and what is turned away.

Each worker counts for itself. Where there is a folder for it (``share_metrics``), it counts in files there, so that the
process with the admin port can tell the sum of all.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["Metrics", "metrics_blueprint", "share_metrics"]

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which the client library learns of the folder. It looks once, when it is imported."""
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
"""Upper bounds of the buckets of time; Lucky Monaco gives up after 3 seconds."""
TAKEN = "taken"
"""Marks a place of a pool whose connection somebody uses."""
CALLS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The numbers of one process. Threads share it."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "wallet_calls",
            "Calls that were looked at, by how they ended.",
            ("version", "call", "outcome"),
            registry=self.registry,
        )
        self._call_seconds = Histogram(
            "wallet_call_seconds",
            "Time from the first look at a call to its answer.",
            ("version", "call"),
            registry=self.registry,
            buckets=SECONDS,
        )
        self._turned_away = Counter(
            "wallet_calls_turned_away",
            "Calls that were answered without being looked at.",
            ("reason",),
            registry=self.registry,
        )
        self._database_seconds = Histogram(
            "wallet_database_seconds",
            "Time of a statement of the ledger, failed ones included.",
            registry=self.registry,
            buckets=SECONDS,
        )
        self._statement_calls = Histogram(
            "wallet_statement_calls",
            "Calls that one statement of the ledger applied.",
            registry=self.registry,
            buckets=CALLS,
        )
        self._connections = Gauge(
            "wallet_database_connections_in_use",
            "Connections to the database that are taken; the one for calls together stays so.",
            ("pool",),
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._most_connections = Gauge(
            "wallet_database_connections_most",
            "Connections to the database that there may be.",
            ("pool",),
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        # The client library looks every label up by its text, under a lock; there are some hundred sets of them.
        self._calls_that_ended = cache(self._calls.labels)
        self._seconds_of = cache(self._call_seconds.labels)

    def call(self, version: str, call: str, outcome: str, seconds: float) -> None:
        """Count a call that was looked at, and its time."""
        self._calls_that_ended(version, call, outcome).inc()
        self._seconds_of(version, call).observe(seconds)

    def turned_away(self, reason: str) -> None:
        """Count a call that was answered early."""
        self._turned_away.labels(reason).inc()

    def statement(self, calls: int, seconds: float) -> None:
        """Count a statement of the ledger, the calls in it, and its time."""
        self._database_seconds.observe(seconds)
        self._statement_calls.observe(calls)

    def watch(self, engine: Engine, pool: str) -> None:
        """Count the connections of an engine that are in use."""
        in_use = self._connections.labels(pool)
        self._most_connections.labels(pool).inc(engine.pool.size())  # type: ignore[attr-defined]  # that of a QueuePool

        def taken(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
            record.info[TAKEN] = True
            in_use.inc()

        def returned(_connection: object, record: ConnectionPoolEntry) -> None:
            # A place whose connection could not be made again is returned without having been taken.
            if record.info.pop(TAKEN, False):
                in_use.dec()

        event.listen(engine, "checkout", taken)
        event.listen(engine, "checkin", returned)


@contextmanager
def share_metrics() -> Iterator[Path]:
    """Give a folder in which the processes count that are started meanwhile."""
    with TemporaryDirectory(prefix="wallet_service_metrics_") as folder:
        os.environ[FOLDER] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ[FOLDER]


def metrics_blueprint(folder: Path, stored: Collector) -> Blueprint:
    """Return the route that Prometheus asks: what all processes count that share the folder, and what is ``stored``."""
    blueprint = Blueprint("metrics", __name__)
    registry = CollectorRegistry()
    registry.register(_Living(folder))
    registry.register(stored)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        """Tell every number, in Prometheus' text format."""
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint


class _Living(Collector):
    """Forgets what processes held that have ended, but not what they counted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = MultiProcessCollector(None, str(folder))
        self._lock = Lock()

    def collect(self) -> Iterable[Metric]:
        """Return the numbers of all processes."""
        with self._lock:  # two who look at once would both remove what a process held
            for path in self._folder.glob("gauge_live*_*.db"):
                pid = int(path.stem.rpartition("_")[2])
                if not _is_alive(pid):
                    mark_process_dead(pid, str(self._folder))
            numbers: Iterable[Metric] = self._files.collect()
        return numbers


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's by now, but alive
        return True
    return True
