"""The marshmallow fields of both wire versions.

An error's message is the ``Outcome`` it leads to, so a schema's errors are the refusals themselves. Values come from
``parse_body``: strings, ``JsonNumber``, arrays, objects, booleans and null. Of an optional field, null and the empty
string mean that it was not sent.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing

from wallet_service.ledger.money import parse_money
from wallet_service.ledger.outcomes import Outcome
from wallet_service.names import is_name
from wallet_service.versions.body import JsonNumber

__all__ = ["Amount", "Anything", "CallSchema", "Currency", "Identifier", "Timestamp", "WireField"]

T = TypeVar("T")


class WireField(fields.Field[T | None]):
    """A field whose errors are outcomes."""

    invalid = Outcome.INVALID_PARAMETER
    """What a value that cannot be read leads to."""

    def __init__(self, *, required: bool = True) -> None:
        errors: dict[str, Any] = {
            "required": Outcome.EMPTY_FIELD,
            "empty": Outcome.EMPTY_FIELD,
            "null": Outcome.INVALID_PARAMETER,
            "invalid": self.invalid,
        }
        if required:
            super().__init__(required=True, error_messages=errors)
        else:
            super().__init__(load_default=None, allow_none=True, error_messages=errors)

    def deserialize(
        self,
        value: Any,
        attr: str | None = None,  # noqa: ARG002 - marshmallow asks so
        data: Mapping[str, Any] | None = None,  # noqa: ARG002 - marshmallow asks so
        **kwargs: Any,  # noqa: ARG002 - marshmallow asks so
    ) -> T | None:
        """Return what a value means, ``None`` where an optional one is not there.

        The whole of it in one step, because each call reads a dozen fields: marshmallow's own would look for
        validators and functions before and after, and these fields have none.

        Raises:
            ValidationError: the value is missing, or cannot be read.

        """
        is_empty = type(value) is str and not value.strip()
        if value is missing or value is None or is_empty:
            if not self.required:
                return None
            raise self.make_error("required" if value is missing else "empty" if is_empty else "null")
        return self.read(value)

    def read(self, value: object) -> T:
        """Return what a value that is there means, or raise ``make_error("invalid")``."""
        raise NotImplementedError


class Identifier(WireField[str]):
    """A name somebody gave: a string, or an integer as its text, of at most so many characters."""

    def __init__(self, max_length: int, *, required: bool = True) -> None:
        super().__init__(required=required)
        self.max_length = max_length

    def read(self, value: object) -> str:
        """Return the name."""
        if type(value) is JsonNumber and re.fullmatch("-?[0-9]+", value):
            value = str(value)
        if type(value) is not str or not is_name(value, self.max_length):
            raise self.make_error("invalid")
        return value


class Currency(WireField[str]):
    """A currency code. Whether it is known is for the deployment to say."""

    def read(self, value: object) -> str:
        """Return the code."""
        if type(value) is not str or not re.fullmatch("[A-Z0-9]{2,10}", value):
            raise self.make_error("invalid")
        return value


class Amount(WireField[Decimal]):
    """An exact amount of money, from a string or a number (rule 12)."""

    invalid = Outcome.INVALID_AMOUNT

    def read(self, value: object) -> Decimal:
        """Return the amount."""
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            return parse_money(value)
        except ValueError:
            raise self.make_error("invalid") from None


class Timestamp(WireField[str]):
    """Unix milliseconds, as a string of digits."""

    def read(self, value: object) -> str:
        """Return the digits."""
        if not isinstance(value, str) or not re.fullmatch("[0-9]{1,20}", value):
            raise self.make_error("invalid")
        return str(value)


class Anything(WireField[object]):
    """A field that is kept with the request and not looked into: a string, an array or an object."""

    def read(self, value: object) -> object:
        """Return the value as it is."""
        return value


class CallSchema(Schema):
    """A request of a wallet call. Fields that the contract does not name are accepted."""

    class Meta:
        """Unknown fields are logged by the endpoint."""

        unknown = EXCLUDE

    spellings: ClassVar[dict[str, str]] = {"userid": "userId", "roundid": "roundId", "timeStamp": "timestamp"}
    """Second spellings that Lucky Monaco uses, and the field that each one means."""

    def load_values(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a request's fields, each under the one name that the wallet knows it by.

        Raises:
            ValidationError: some are wrong, or two spellings of one field do not say the same.

        """
        for spelling in self.spellings.keys() & data.keys():
            name = self.spellings[spelling]
            if data.setdefault(name, data[spelling]) != data[spelling]:
                raise ValidationError({name: [Outcome.INVALID_PARAMETER]})
        loaded: dict[str, Any] = self.load(data)
        return loaded

    def unknown_names(self, names: set[str]) -> set[str]:
        """Return those of the names that the contract does not give this call."""
        return names - self.fields.keys() - self.spellings.keys()
