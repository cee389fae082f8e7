"""A request's JSON object with the text of every value kept, because the hash and exact amounts need it as sent."""

import re
from json import JSONDecodeError, JSONDecoder, dumps
from typing import Any, NamedTuple, NoReturn

__all__ = ["JsonNumber", "MalformedBodyError", "Member", "members_as_json", "parse_body", "write_object"]

MAX_DEPTH = 32
"""Arrays and objects nested deeper than this are refused; the contract's deepest is two."""

_SPACE = re.compile(r"[ \t\n\r]*")
# A string without escapes is what stands between its quotes.
_PLAIN_MEMBER = re.compile(
    r"""
    [ \t\n\r]*  ("[^"\\\x00-\x1f]*")
    [ \t\n\r]*  :
    [ \t\n\r]*  ("[^"\\\x00-\x1f]*" | -?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?=[ \t\n\r,}]))
    [ \t\n\r]*
    """,
    re.VERBOSE,
)
_CONSTANT = re.compile(r"NaN|-?Infinity")


class MalformedBodyError(ValueError):
    """The body is not one JSON object with distinct names."""


class JsonNumber(str):
    """A JSON number as its text, so that ``10.0`` stays ``10.0``."""

    __slots__ = ()


class Member(NamedTuple):
    """One field of the body: its value, with numbers as ``JsonNumber``, and name and value as they were sent."""

    value: Any
    name_text: str
    text: str

    @property
    def hashed(self) -> str:
        """The text that enters the body hash: a string's content, anything else as it stands (contract, section 5)."""
        return self.value if type(self.value) is str else self.text

    @property
    def json(self) -> str:
        """Name and value as JSON: as they were sent, but for the constants that JSON does not have."""
        return f"{self.name_text}: {dumps(self.text) if _CONSTANT.fullmatch(self.text) else self.text}"


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
    more = not text.startswith("}", at)
    at += not more
    while more:
        name, member, at = _plain_member(text, at) or _member(text, at)
        if name in members:
            raise MalformedBodyError("a name stands twice")
        members[name] = member
        more = text.startswith(",", at)
        at = _expect(text, at, "," if more else "}")
    if _after_space(text, at) != len(text):
        raise MalformedBodyError("not JSON")
    return members


def _plain_member(text: str, at: int) -> tuple[str, Member, int] | None:
    """Read a member whose name is a string, and whose value a string or a number, that say what they are; most are."""
    match = _PLAIN_MEMBER.match(text, at)
    if match is None:
        return None
    name_text, value_text = match.groups()
    value = value_text[1:-1] if value_text[0] == '"' else JsonNumber(value_text)
    return name_text[1:-1], Member(value, name_text, value_text), match.end()


def _member(text: str, at: int) -> tuple[str, Member, int]:
    """Read any member, and the space around it."""
    name_at = _after_space(text, at)
    name, at = _decoder.raw_decode(text, name_at)
    if type(name) is not str:
        raise MalformedBodyError("not JSON")
    name_text = text[name_at:at]
    start = _after_space(text, _expect(text, _after_space(text, at), ":"))
    constant = _CONSTANT.match(text, start)
    value, at = (JsonNumber(constant.group()), constant.end()) if constant else _decoder.raw_decode(text, start)
    if _too_deep(value, MAX_DEPTH):
        raise MalformedBodyError("nested too deep")
    return name, Member(value, name_text, text[start:at]), _after_space(text, at)


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
    return "{" + ", ".join(member.json for name, member in members.items() if name.lower() not in without) + "}"


def write_object(fields: dict[str, Any]) -> str:
    """Write a JSON object in which a ``JsonNumber`` is the number that its text is."""
    texts = {name: value if isinstance(value, JsonNumber) else dumps(value) for name, value in fields.items()}
    return "{" + ", ".join(f"{dumps(name)}: {text}" for name, text in texts.items()) + "}"
