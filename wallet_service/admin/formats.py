"""How values are written on the desk's pages."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from json import dumps, loads

from flask import Flask

from wallet_service.ledger.money import format_money

__all__ = ["add_formats", "pretty_json"]

MINUS = "\N{MINUS SIGN}"
PRIVATE_USE = 0xE000
"""From here on, Unicode has signs of private use. One that is not in a text stands before its numbers for a moment."""


def add_formats(app: Flask) -> None:
    """Give the templates a filter of each kind."""
    app.jinja_env.filters.update(
        money=money,
        signed=signed,
        places=places,
        utc=utc,
        iso=iso,
        for_input=for_input,
        words=words,
        pretty_json=pretty_json,
    )


def money(amount: Decimal | str, to_places: int = 0) -> str:
    """Write an amount, with zeros to so many places, and a minus as wide as a digit; in the action log it is text."""
    whole, _, fraction = format_money(Decimal(amount)).partition(".")
    return f"{whole.replace('-', MINUS)}.{fraction:0<{to_places}}"


def signed(amount: Decimal, to_places: int = 0) -> str:
    """Write a movement with its sign, so that nobody has to guess which way it went."""
    return f"{'+' if amount > 0 else ''}{money(amount, to_places)}"


def places(amounts: Iterable[Decimal | None]) -> int:
    """Return how many places the longest fraction has, so that a column's points stand below each other."""
    return max((len(format_money(amount).partition(".")[2]) for amount in amounts if amount is not None), default=0)


def utc(at: datetime) -> str:
    """Write a time to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(at: datetime) -> str:
    """Write a time as machines read it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def for_input(at: datetime) -> str:
    """Write a time as an input of type ``datetime-local`` takes it, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def words(name: str) -> str:
    """Write a name of ours as words."""
    return name.replace("_", " ")


def pretty_json(text: str) -> str:
    """Lay out JSON text in lines. Numbers stay as they were written: none goes through a float."""
    plain = dumps(loads(text, parse_int=str, parse_float=str), ensure_ascii=False)
    mark = next(sign for sign in map(chr, count(PRIVATE_USE)) if sign not in plain)
    marked = loads(text, parse_int=mark.__add__, parse_float=mark.__add__)
    laid_out = dumps(marked, indent=2, ensure_ascii=False)
    text = re.sub(f'"{mark}([^"]*)"', r"\1", laid_out)
    return text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair is no text
