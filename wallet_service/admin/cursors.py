"""Where a page of a list ended, as opaque text for the URL: the key of the last row that was looked at."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from json import dumps, loads
from typing import Any
from uuid import UUID

__all__ = ["CursorError", "read_cursor", "write_cursor"]

MAX_CURSOR = 2000
"""Characters. A key has five short parts at most."""


class CursorError(ValueError):
    """The text is not where a page of this list ended."""


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text(text: str) -> str:
    if "\0" in text.encode().decode():  # a lone surrogate cannot be encoded, and neither can the database hold it
        raise ValueError("no text of the database's")
    return text


READERS: dict[type, Callable[[str], Any]] = {datetime: _time, UUID: UUID, str: _text}


def write_cursor(key: Sequence[Any]) -> str:
    """Write the key of a row."""
    parts = [part.astimezone(UTC).isoformat() if isinstance(part, datetime) else str(part) for part in key]
    return urlsafe_b64encode(dumps(parts).encode()).decode().rstrip("=")


def read_cursor(text: str, types: Sequence[type]) -> tuple[Any, ...]:
    """Read a key whose parts have these types.

    Raises:
        CursorError: the text is no such key.

    """
    try:
        parts = loads(urlsafe_b64decode(text[:MAX_CURSOR] + "=" * (-len(text) % 4)))
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise CursorError("a key is written as a list of texts")
        return tuple(READERS[type_](part) for type_, part in zip(types, parts, strict=True))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CursorError("not where a page of this list ended") from error
