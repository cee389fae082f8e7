"""How values are written on the desk's pages."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from json import dumps, loads

from flask import Flask

from wallet_service.ledger.money import format_money

__all__ = ["add_formats", "pretty_json"]

MARK = "\ue000"
"""Of Unicode's private use: stands before what was a number while it is a string."""


def add_formats(app: Flask) -> None:
    """Give the templates a filter of each kind."""
    app.jinja_env.filters.update(
        money=money,
        signed=signed,
        utc=utc,
        iso=iso,
        for_input=for_input,
        words=words,
        pretty_json=pretty_json,
    )


def money(amount: Decimal | str) -> str:
    """Write an amount; in the action log it is text."""
    return format_money(Decimal(amount))


def signed(amount: Decimal) -> str:
    """Write a movement with its sign, so that nobody has to guess which way it went."""
    return f"+{format_money(amount)}" if amount > 0 else format_money(amount).replace("-", "\N{MINUS SIGN}")


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
    marked = loads(text, parse_int=_mark, parse_float=_mark)
    laid_out = dumps(marked, indent=2, ensure_ascii=False)
    text = re.sub(f'"{MARK}([^"]*)"', r"\1", laid_out)
    return text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair is no text


def _mark(number: str) -> str:
    return MARK + number
