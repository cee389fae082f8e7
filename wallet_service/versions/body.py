"""A request's JSON object with the text of every value kept, because the hash and exact amounts need it as sent."""

import re
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder, dumps
from typing import Any, NoReturn

__all__ = ["JsonNumber", "MalformedBodyError", "Member", "members_as_json", "parse_body", "write_object"]

MAX_DEPTH = 32
"""Arrays and objects nested deeper than this are refused; the contract's deepest is two."""

_SPACE = re.compile(r"[ \t\n\r]*")
_CONSTANT = re.compile(r"NaN|-?Infinity")


class MalformedBodyError(ValueError):
    """The body is not one JSON object with distinct names."""


class JsonNumber(str):
    """A JSON number as its text, so that ``10.0`` stays ``10.0``."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One field of the body: its value, with numbers as ``JsonNumber``, and its value's text as sent."""

    value: Any
    text: str

    @property
    def hashed(self) -> str:
        """The text that enters the body hash: a string's content, anything else as it stands (contract, section 5)."""
        return self.value if type(self.value) is str else self.text

    @property
    def json(self) -> str:
        """The text as JSON: as it was sent, but for the constants that JSON does not have."""
        return dumps(self.text) if _CONSTANT.fullmatch(self.text) else self.text


def _refuse_constant(_: str) -> NoReturn:
    raise MalformedBodyError("not JSON")


_decoder = JSONDecoder(parse_float=JsonNumber, parse_int=JsonNumber, parse_constant=_refuse_constant)


def parse_body(body: bytes) -> dict[str, Member]:
    """Read a request's body.

    ``NaN`` and ``Infinity`` are not JSON, yet some writers send them for an amount: as a field's value they are read,
    so that the amount's own error answers them.

    Raises:
        MalformedBodyError: not UTF-8, not a JSON object, a name twice (which of the two would the hash have meant?),
            or nested too deep.

    """
    try:
        text = body.decode("utf-8")
        return _parse_object(text)
    except (JSONDecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedBodyError("not JSON") from error


def _parse_object(text: str) -> dict[str, Member]:
    members: dict[str, Member] = {}
    at = _after_space(text, _expect(text, _after_space(text, 0), "{"))
    while not text.startswith("}", at):
        if members:
            at = _after_space(text, _expect(text, at, ","))
        name, at = _decoder.raw_decode(text, at)
        if type(name) is not str:
            raise MalformedBodyError("not JSON")
        start = _after_space(text, _expect(text, _after_space(text, at), ":"))
        constant = _CONSTANT.match(text, start)
        value, at = (JsonNumber(constant.group()), constant.end()) if constant else _decoder.raw_decode(text, start)
        if name in members:
            raise MalformedBodyError("a name stands twice")
        if _too_deep(value, MAX_DEPTH):
            raise MalformedBodyError("nested too deep")
        members[name] = Member(value, text[start:at])
        at = _after_space(text, at)
    if _after_space(text, at + 1) != len(text):
        raise MalformedBodyError("not JSON")
    return members


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, character: str) -> int:
    if not text.startswith(character, at):
        raise MalformedBodyError("not a JSON object")
    return at + 1


def _too_deep(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return levels == 0 or any(_too_deep(item, levels - 1) for item in value)


def members_as_json(members: dict[str, Member], without: frozenset[str]) -> str:
    """Write the body again as it was sent, value texts and all, leaving out the fields named, in any letter case."""
    return (
        "{"
        + ", ".join(f"{dumps(name)}: {member.json}" for name, member in members.items() if name.lower() not in without)
        + "}"
    )


def write_object(fields: dict[str, Any]) -> str:
    """Write a JSON object in which a ``JsonNumber`` is the number that its text is."""
    texts = {name: value if isinstance(value, JsonNumber) else dumps(value) for name, value in fields.items()}
    return "{" + ", ".join(f"{dumps(name)}: {text}" for name, text in texts.items()) + "}"
