"""Lists as CSV: line by line, under a name that says what was asked, and harmless in a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from json import dumps
from typing import Any

from wallet_service.admin.filters import Filtered
from wallet_service.admin.listing import Listing
from wallet_service.ledger.money import format_money
from wallet_service.spreadsheets import harmless

__all__ = ["INCOMPLETE", "cell_of", "csv_lines", "file_name"]

LINES = 500
"""Sent at once."""
MAX_FILE_NAME = 150
INCOMPLETE = "INCOMPLETE: reading failed here, and rows are missing. Export the list again.\r\n"
"""The last line of a file that is not whole; no row of any list begins so."""


def csv_lines(listing: Listing, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the list's heading and lines, some at a time."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    names = [column.name for column in listing.columns]
    writer.writerow(names)
    for number, row in enumerate(rows, 1):
        writer.writerow([cell_of(row[name]) for name in names])
        if number % LINES == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def cell_of(value: object) -> str:
    """Write a value as a file has it."""
    if isinstance(value, Decimal):
        return format_money(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if value is None:
        return ""
    text = dumps(value) if isinstance(value, dict) else str(value)
    return harmless(text)


def file_name(name: str, asked: Filtered, at: datetime) -> str:
    """Name the file after its list, when it was asked for, its window and its filters, in letters every system takes.

    The window is the one that applied, whoever chose it; without an end, it ends when the file was asked for.
    """
    parts = {"": _compact(at)}
    if asked.window.start:
        parts |= {"from-": _compact(asked.window.start), "to-": _compact(asked.window.end or at)}
    elif asked.window.end:
        parts["to-"] = _compact(asked.window.end)
    parts |= {f"{filter_}-": text for filter_, text in asked.typed.items() if filter_ not in {"from", "to"}}
    said = "_".join([name, *(f"{what}{text}" for what, text in parts.items())])
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", said)
    return f"{plain[:MAX_FILE_NAME]}.csv"


def _compact(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
