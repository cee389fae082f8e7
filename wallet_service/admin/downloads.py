"""Lists as downloads: few at once, each on a connection of its own for as long as it takes, and told where it broke."""

from collections.abc import Callable, Iterator
from threading import Lock
from time import monotonic

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from wallet_service.admin.export import INCOMPLETE, csv_lines
from wallet_service.admin.filters import Filtered
from wallet_service.admin.listing import Listing, rows_of

__all__ = ["MAX_DOWNLOADS", "Download", "Downloads", "TooManyDownloadsError"]

MAX_DOWNLOADS = 2
"""At once in a worker. Each holds one of the desk's connections that read, and the pages need the others."""
STATEMENT_TIMEOUT_S = 60
"""For the next thousand rows: longer than a page's, for a file may look through a month to find them."""
IDLE_TIMEOUT_S = 60
"""A client that reads no further for so long gets no whole file: its snapshot keeps the database from cleaning up, and
who comes next takes its place."""
TIMEOUTS = (
    f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_S}s'",
    f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TIMEOUT_S}s'",
)

log = structlog.get_logger("desk")


class TooManyDownloadsError(Exception):
    """As many downloads are under way as there may be."""


class StalledError(Exception):
    """Another download has the place of one whose client read no further."""


class Downloads:
    """The downloads of one worker. Threads may share it."""

    def __init__(self, reads: Engine) -> None:
        self._reads = reads
        self._lock = Lock()
        self._under_way: set[Download] = set()

    def begin(self, listing: Listing, asked: Filtered) -> "Download":
        """Begin with a download, which must be closed in the end. It may take the place of one that is stalled.

        Raises:
            TooManyDownloadsError: others are under way.
            SQLAlchemyError: the database does not answer; nothing needs to be closed.

        """
        download = Download(listing, asked, self._end)
        with self._lock:
            if len(self._under_way) >= MAX_DOWNLOADS:
                stalled = next((other for other in self._under_way if other.abandon_if_stalled()), None)
                if stalled is None:
                    raise TooManyDownloadsError
                self._under_way.discard(stalled)
            self._under_way.add(download)
        try:
            download.connect(self._reads)
        except SQLAlchemyError:
            download.close()
            raise
        return download

    def _end(self, download: "Download") -> None:
        with self._lock:
            self._under_way.discard(download)


class Download:
    """One download: an iterator over the file's text. Closing it, once or more often, gives its place to others."""

    def __init__(self, listing: Listing, asked: Filtered, on_close: Callable[["Download"], None]) -> None:
        self._listing = listing
        self._asked = asked
        self._on_close = on_close
        self._lock = Lock()
        self._connection: Connection | None = None
        self._waits_since: float | None = None
        """Since when the server has a part of the file to send; ``None`` while the next one is read."""

    def connect(self, reads: Engine) -> None:
        """Take a connection.

        Raises:
            SQLAlchemyError: the database does not answer.

        """
        self._connection = reads.connect()
        for statement in TIMEOUTS:
            self._connection.exec_driver_sql(statement)
        self._waits_since = monotonic()

    def __iter__(self) -> Iterator[str]:
        """Yield the file; where that fails half-way, the last line says so."""
        try:
            for part in csv_lines(self._listing, rows_of(self._go_on(), self._listing, self._asked)):
                self._waits_since = monotonic()
                yield part
                self._go_on()
        except Exception:
            # Whatever it was: the answer has begun, and nobody else can tell its reader that it is not whole.
            log.exception("export incomplete", list=self._listing.name)
            self._waits_since = monotonic()
            yield INCOMPLETE

    def _go_on(self) -> Connection:
        with self._lock:
            if self._connection is None:
                raise StalledError
            self._waits_since = None
            return self._connection

    def abandon_if_stalled(self) -> bool:
        """Let go of the connection if the client has read no further for too long; tell whether that is so."""
        with self._lock:
            if self._waits_since is None or monotonic() - self._waits_since < IDLE_TIMEOUT_S:
                return False
            if self._connection is not None:
                self._connection.invalidate()  # what was being read from it must not go on in another's hands
            self._let_go()
            return True

    def close(self) -> None:
        """Let go of the connection and the place."""
        try:
            with self._lock:
                self._let_go()
        finally:
            self._on_close(self)

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
