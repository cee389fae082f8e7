"""Lists as downloads: few at once, each on a connection of its own for as long as it takes, and told where it broke."""

from collections.abc import Iterator
from threading import BoundedSemaphore

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
"""A client that reads no further for so long gets no whole file: its snapshot keeps the database from cleaning up."""
TIMEOUTS = (
    f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_S}s'",
    f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TIMEOUT_S}s'",
)

log = structlog.get_logger("desk")


class TooManyDownloadsError(Exception):
    """As many downloads are under way as there may be."""


class Downloads:
    """The downloads of one worker. Threads may share it."""

    def __init__(self, reads: Engine) -> None:
        self._reads = reads
        self._places = BoundedSemaphore(MAX_DOWNLOADS)

    def begin(self, listing: Listing, asked: Filtered) -> "Download":
        """Begin with a download, which must be closed in the end.

        Raises:
            TooManyDownloadsError: others are under way.
            SQLAlchemyError: the database does not answer; nothing needs to be closed.

        """
        if not self._places.acquire(blocking=False):
            raise TooManyDownloadsError
        try:
            connection = self._reads.connect()
        except SQLAlchemyError:
            self._places.release()
            raise
        download = Download(connection, self._places, listing, asked)
        try:
            for statement in TIMEOUTS:
                connection.exec_driver_sql(statement)
        except SQLAlchemyError:
            download.close()
            raise
        return download


class Download:
    """One download: an iterator over the file's text. Closing it, once or more often, gives its place to others."""

    def __init__(self, connection: Connection, places: BoundedSemaphore, listing: Listing, asked: Filtered) -> None:
        self._connection = connection
        self._places = places
        self._listing = listing
        self._asked = asked
        self._is_open = True

    def __iter__(self) -> Iterator[str]:
        """Yield the file; where that fails half-way, the last line says so."""
        try:
            yield from csv_lines(self._listing, rows_of(self._connection, self._listing, self._asked))
        except Exception:
            # Whatever it was: the answer has begun, and nobody else can tell its reader that it is not whole.
            log.exception("export incomplete", list=self._listing.name)
            yield INCOMPLETE

    def close(self) -> None:
        """Let go of the connection and the place."""
        if self._is_open:
            self._is_open = False
            try:
                self._connection.close()
            finally:
                self._places.release()
