"""What a list can be narrowed by: each filter's name in the URL, how its value is read, and what it asks of a row."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from sqlalchemy import ColumnElement

from wallet_service.ledger.money import parse_money
from wallet_service.names import has_controls

__all__ = ["PLAYER", "ROUND", "Filter", "Filtered", "Window", "read_filters"]

MAX_NAME = 64
"""Characters of a player, game, round or reference; the contract's longest have 36."""
MOST_UNKNOWN = 5
"""Names in an address that are told to be no filters."""
DEFAULT_WINDOW = timedelta(hours=24)
LONGEST_WINDOW = timedelta(days=31)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Name(fields.String):
    """Text as the database can hold it, without the blanks that copying adds."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        name = str(super()._deserialize(value, attr, data, **kwargs)).strip()
        if len(name) > MAX_NAME or has_controls(name):
            raise ValidationError(f"Must be at most {MAX_NAME} printable characters.")
        return name


class Amount(fields.Field[Decimal]):
    """An amount of money, exactly as written."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Decimal:  # noqa: ARG002 - marshmallow asks so
        try:
            return parse_money(value.strip())
        except ValueError as error:
            raise ValidationError(f"Must be an amount such as 12.50: {error}.") from None


class Time(fields.AwareDateTime):
    """A time in ISO 8601, in UTC unless it names a zone."""

    def __init__(self) -> None:
        bounds = validate.Range(EARLIEST, LATEST, error="Must be a time from 2000 to 2100.")
        super().__init__(format="iso", default_timezone=UTC, validate=bounds)
        self.error_messages["invalid"] = "Must be a time such as 2026-01-31T12:00."


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter of a list. ``compare`` asks a row's ``column``, by its name in the list, about the value."""

    name: str
    label: str
    column: str
    kind: Literal["name", "choice", "amount"] = "name"
    choices: tuple[str, ...] = ()
    compare: Callable[[Any, Any], ColumnElement[bool]] = operator.eq
    indexed: bool = False
    """Whether an index finds the rows; if not, they are picked from those that the window and the others leave."""
    queue: str | None = None
    """The choice whose rows wait for somebody: they are picked from what ``waiting`` says."""
    waiting: ColumnElement[bool] | None = None
    """The condition of the queue's own index, written as the index has it; it gives the list's order."""
    default: str | None = None
    """What is asked where nothing is typed."""

    def field(self) -> fields.Field[Any]:
        """Return what reads the value."""
        if self.kind == "choice":
            return fields.String(validate=validate.OneOf(self.choices, error="Must be one of: {choices}."))
        return Amount() if self.kind == "amount" else Name()

    def is_queue(self, values: Mapping[str, Any]) -> bool:
        """Tell whether the queue is asked for."""
        return self.queue is not None and values.get(self.name) == self.queue


# What most lists can be narrowed by, where an index of theirs finds the rows.
PLAYER = Filter("player", "Player", "user_id", indexed=True)
ROUND = Filter("round", "Round", "round_id", indexed=True)


@dataclass(frozen=True, slots=True)
class Window:
    """From when to before when the rows are; ``None`` is open. ``is_default`` says that nobody chose its start."""

    start: datetime | None
    end: datetime | None
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Filtered:
    """What a request asks for: the values that can be used, each as it was typed, and what is wrong with the others."""

    values: dict[str, Any]
    typed: dict[str, str]
    window: Window
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """What is wrong, in one line."""
        return " ".join(f"{name}: {' '.join(said)}" for name, said in self.errors.items())


def read_filters(
    filters: tuple[Filter, ...], args: Mapping[str, str], is_free: Callable[[dict[str, Any]], bool]
) -> Filtered:
    """Read the filters of a request. A wrong one is told, and left out; one that there is not is told, too.

    Where the values leave the list without a bound (``is_free`` says whether they do not), a window always applies.
    """
    names = {item.name: item.field() for item in filters} | {"from": Time(), "to": Time()}
    typed = {name: args[name] for name in names if args.get(name, "").strip()}
    unknown = [name[:MAX_NAME] for name in args if name not in names][:MOST_UNKNOWN]
    try:
        values: dict[str, Any] = Schema.from_dict(names)().load(typed, unknown=EXCLUDE)
        errors: dict[str, list[str]] = {}
    except ValidationError as error:
        values, errors = cast("dict[str, Any]", error.valid_data), cast("dict[str, list[str]]", error.messages)
    for item in filters:
        if item.default is not None:
            values.setdefault(item.name, item.default)
    errors |= {name: [f"There is no such filter. There are: {', '.join(names)}."] for name in unknown}
    window = _window(values.pop("from", None), values.pop("to", None), errors, free=is_free(values))
    return Filtered(values, typed, window, errors)


def _window(start: datetime | None, end: datetime | None, errors: dict[str, list[str]], *, free: bool) -> Window:
    if start and end and end <= start:
        errors["to"] = ["Must be after From."]
        end = None
    if free:
        return Window(start, end)
    latest = end or datetime.now(UTC)
    if start is None:
        return Window(latest - DEFAULT_WINDOW, end, is_default=True)
    if latest - start > LONGEST_WINDOW:
        errors["from"] = [f"Must be at most {LONGEST_WINDOW.days} days before To, unless a player or round is named."]
        start = latest - LONGEST_WINDOW
    return Window(start, end)
