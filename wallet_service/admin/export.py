"""Lists as CSV: line by line, under a name that says what was asked, and harmless in a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from json import dumps
from typing import Any

from wallet_service.admin.listing import Listing
from wallet_service.ledger.money import format_money

__all__ = ["csv_lines", "file_name"]

LINES = 500
"""Sent at once."""
MAX_FILE_NAME = 150
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run (OWASP, CSV injection)."""


def csv_lines(listing: Listing, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the list's heading and lines, some at a time."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    names = [column.name for column in listing.columns]
    writer.writerow(names)
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(row[name]) for name in names])
        if number % LINES == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return format_money(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if value is None:
        return ""
    text = dumps(value) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def file_name(name: str, filters: Mapping[str, str], at: datetime) -> str:
    """Name the file after its list, its filters and when it was asked for, in letters that every system takes."""
    asked = [f"{filter_}-{text}" for filter_, text in filters.items()]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", "_".join([name, f"{at:%Y%m%dT%H%M%SZ}", *asked]))
    return f"{plain[:MAX_FILE_NAME]}.csv"
