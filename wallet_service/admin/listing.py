"""How any list is read: newest first, page by page from the key of the last row, in work that has a bound.

Filters that an index answers, and the time window, say which rows are scanned; the others pick from them. A page scans
at most ``MAX_SCANNED`` rows, so that a filter which hardly any row passes costs no more than one which all do; the page
then ends where the scan did, and the next one goes on from there.

No row is shown twice: each page lies before the key where the last one ended. Rows that arrive have later keys, so they
are not on the pages that follow, but on the first one when it is read anew. No row is lost that could be seen when the
first page was read. One that could not is not seen by who pages on past its time: a row has the time at which its call
began, and appears when that commits, within the seconds that a call may take. It is there when its page is read again.
So whoever must have all, a script say, names a ``to`` that lies a minute back.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from wallet_service.admin.cursors import write_cursor
from wallet_service.admin.filters import Filter, Filtered

__all__ = ["Column", "Listing", "Page", "page_of", "rows_of"]

PAGE = 50
MAX_SCANNED = 20_000
FETCHED = 1000
"""Rows in memory at once while a list is exported."""

Kind = Literal[
    "text",
    "id",
    "time",
    "amount",
    "state",
    "player",
    "round",
    "transaction",
    "changes",
    "word",
    "number",
    "action",
    "hidden",
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list. The key of the rows and ``user_id`` are columns too."""

    name: str
    label: str
    source: ColumnElement[Any] | InstrumentedAttribute[Any]
    kind: Kind = "text"
    """How the page shows it; what is ``hidden`` there is in JSON and files alone."""
    read: Callable[[Any], Any] | None = None
    """What is said instead of the database's own value."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: what its rows are and say. ``key`` names the columns that order it; the first of them is the time."""

    name: str
    title: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    filters: tuple[Filter, ...]
    empty: str
    free_by: tuple[str, ...]
    """The filters any of which bounds the list, so that it needs no time window. A queue needs none either."""
    joined: Callable[[Select[Any]], Select[Any]] = lambda query: query

    def source(self, name: str) -> Any:
        """Return the column of that name as the database knows it."""
        return next(column.source for column in self.columns if column.name == name)

    def is_free(self, values: Mapping[str, Any]) -> bool:
        """Tell by the filters' values whether the list has a bound without a time window."""
        return any(name in values for name in self.free_by) or any(item.is_queue(values) for item in self.filters)

    @property
    def key_types(self) -> tuple[type, ...]:
        """The types of the key's parts."""
        return tuple(self.source(name).type.python_type for name in self.key)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: its rows, and where the next page goes on; ``None`` where there is none.

    ``scanned_to`` is the time up to which rows were looked at, where that was given up before the page was full.
    """

    rows: list[dict[str, Any]]
    next: str | None
    scanned_to: datetime | None = None


def _scan(listing: Listing, asked: Filtered, after: tuple[Any, ...] | None) -> Select[Any]:
    """Return what an index finds, newest first."""
    key = [listing.source(name) for name in listing.key]
    query = listing.joined(select(*(column.source.label(column.name) for column in listing.columns)))
    if asked.window.start:
        query = query.where(key[0] >= asked.window.start)
    if asked.window.end:
        query = query.where(key[0] < asked.window.end)
    if after:
        query = query.where(
            tuple_(*key) < tuple_(*(literal(part, type_=of.type) for part, of in zip(after, key, strict=True)))
        )
    for item in listing.filters:
        if item.indexed and item.name in asked.values:
            query = query.where(item.compare(listing.source(item.column), asked.values[item.name]))
        if item.waiting is not None and item.is_queue(asked.values):
            query = query.where(item.waiting)
    return query.order_by(*(part.desc() for part in key))


def _picks(listing: Listing, asked: Filtered, columns: Callable[[str], Any]) -> list[ColumnElement[bool]]:
    """Return what the filters that no index answers ask of the columns."""
    return [
        item.compare(columns(item.column), asked.values[item.name])
        for item in listing.filters
        if item.name in asked.values and not item.indexed
    ]


def page_query(listing: Listing, asked: Filtered, after: tuple[Any, ...] | None, size: int) -> Select[Any]:
    """Return the query of a page, and of one row more, which tells whether another page follows."""
    scan = _scan(listing, asked, after)
    rows = scan.limit(MAX_SCANNED).subquery()
    picks = _picks(listing, asked, lambda name: rows.c[name])
    if not picks:
        return scan.limit(size + 1)
    return select(rows).where(*picks).order_by(*(rows.c[name].desc() for name in listing.key)).limit(size + 1)


def _scan_end(listing: Listing, asked: Filtered, after: tuple[Any, ...] | None) -> Select[Any]:
    """Return the query of the key at which a scan is given up; no row where it comes to the list's end before."""
    key = [listing.source(name).label(name) for name in listing.key]
    number = func.row_number().over(order_by=[listing.source(name).desc() for name in listing.key]).label("number")
    scan = _scan(listing, asked, after).with_only_columns(*key, number).limit(MAX_SCANNED).subquery()
    return select(*(scan.c[name] for name in listing.key)).where(scan.c.number == MAX_SCANNED)


def page_of(
    connection: Connection, listing: Listing, asked: Filtered, after: tuple[Any, ...] | None, size: int = PAGE
) -> Page:
    """Read the page after a key, or the first one. The connection must see one snapshot throughout."""
    rows = [_said(listing, row) for row in connection.execute(page_query(listing, asked, after, size)).mappings()]
    if len(rows) > size:
        last = rows[size - 1]
        return Page(rows[:size], write_cursor([last[name] for name in listing.key]))
    if _picks(listing, asked, listing.source):
        end = connection.execute(_scan_end(listing, asked, after)).one_or_none()
        if end:
            return Page(rows, write_cursor(tuple(end)), end[0])
    return Page(rows, None)


def rows_of(connection: Connection, listing: Listing, asked: Filtered) -> Iterator[dict[str, Any]]:
    """Yield every row, newest first, without holding them all."""
    query = _scan(listing, asked, None).where(*_picks(listing, asked, listing.source))
    with connection.execution_options(yield_per=FETCHED).execute(query) as result:
        for row in result.mappings():
            yield _said(listing, row)


def _said(listing: Listing, row: RowMapping) -> dict[str, Any]:
    return dict(row) | {column.name: column.read(row[column.name]) for column in listing.columns if column.read}
