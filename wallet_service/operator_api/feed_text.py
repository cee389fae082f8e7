"""How the feed is written: cursors, JSON lines, CSV."""

import csv
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from json import dumps
from uuid import UUID

from wallet_service.ledger.feed import BEGINNING, FeedRow, Position
from wallet_service.ledger.money import format_money
from wallet_service.spreadsheets import harmless

__all__ = ["NAMES", "CursorError", "as_csv", "as_json_lines", "read_cursor", "write_cursor"]

CURSOR = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
"""Base64 of eight bytes, the microseconds since 1970, and the sixteen of an id."""
TIME_BYTES = 8
MICROSECOND = timedelta(microseconds=1)
NAMES = tuple("transaction_id" if field.name == "id" else field.name for field in fields(FeedRow))
"""What a transaction's columns are called outside."""


class CursorError(ValueError):
    """The text is no position in the feed."""


def write_cursor(position: Position) -> str:
    """Write a position as opaque text for a URL."""
    microseconds = (position.at - BEGINNING.at) // MICROSECOND
    return urlsafe_b64encode(microseconds.to_bytes(TIME_BYTES) + position.id.bytes).decode()


def read_cursor(text: str) -> Position:
    """Read a position.

    Raises:
        CursorError: the text is none.

    """
    if not CURSOR.fullmatch(text):
        raise CursorError("not 32 characters of base64")
    written = urlsafe_b64decode(text)
    try:
        at = BEGINNING.at + int.from_bytes(written[:TIME_BYTES]) * MICROSECOND
    except OverflowError as error:
        raise CursorError("no time") from error
    return Position(at, UUID(bytes=written[TIME_BYTES:]))


def as_json_lines(rows: Iterable[FeedRow]) -> str:
    """Write each row as a JSON object in a line of its own; amounts are strings, exact to the last digit.

    In ASCII: some readers take what Unicode has for the end of a line, which may stand in a name, for one.
    """
    written = ({name: _plain(value) for name, value in _named(row)} for row in rows)
    return "".join(f"{dumps(row)}\n" for row in written)


def as_csv(rows: Iterable[FeedRow]) -> str:
    """Write a heading and the rows, harmless in a spreadsheet; what is not there is an empty cell."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow(NAMES)
    for row in rows:
        writer.writerow(harmless(value) if isinstance(value, str) else _plain(value) for _, value in _named(row))
    return buffer.getvalue()


def _named(row: FeedRow) -> Iterable[tuple[str, object]]:
    return zip(NAMES, (getattr(row, field.name) for field in fields(row)), strict=True)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format_money(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value
