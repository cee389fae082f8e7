"""What holds of the readers for any bytes at all: the body's, the hash's and the amount's."""

import json
from decimal import Decimal

from marshmallow import ValidationError

from wallet_service.auth import body_hash
from wallet_service.ledger.money import DIGITS, PLACES, format_money, parse_money
from wallet_service.versions.body import JsonNumber, MalformedBodyError, members_as_json, parse_body
from wallet_service.versions.fields import Amount, Currency, Identifier, Timestamp

__all__ = ["PROPERTIES"]

FIELDS = (Identifier(36), Identifier(36, required=False), Amount(), Amount(required=False), Currency(), Timestamp())
MAX_FUZZED = 4096
"""Bytes of one input. Long ones are tests of their own (tests/hostile)."""


class TwiceError(Exception):
    """The standard library would take the last of two values of a name; the wallet takes neither."""


def distinct(pairs):
    if len({name for name, _ in pairs}) < len(pairs):
        raise TwiceError
    return dict(pairs)


def no_constant(name):
    raise ValueError(name)


def standard(text):
    """Read JSON as the standard library does, exactly."""
    return json.loads(text, parse_float=Number, parse_int=Number)


class Number(str):
    """A number of the standard library's by its text: some are too large to be made."""

    __slots__ = ()


def body(data: bytes) -> None:
    """What the parser takes, the standard library reads the same; what is kept of it, too. What it refuses is none."""
    try:
        members = parse_body(data)
    except MalformedBodyError:
        return
    text = data.decode()
    expected = standard(text)
    assert [*members] == [*expected]
    for name, member in members.items():
        if member.text in {"NaN", "Infinity", "-Infinity"}:
            continue
        assert same(member.value, expected[name])
        assert same(standard(member.text), expected[name])
    kept = json.loads(members_as_json(members, frozenset()), parse_float=Number, parse_int=Number)
    assert [*kept] == [*expected]


def same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other and isinstance(one, JsonNumber | Number) == isinstance(other, JsonNumber | Number)


def refusal(data: bytes) -> None:
    """An object that the standard library reads is refused for a name twice, its depth or a constant, and no more."""
    try:
        text = data.decode()
        value = json.loads(text, object_pairs_hook=distinct, parse_constant=no_constant, parse_float=Number)
    except (ValueError, RecursionError, TwiceError):
        return
    if isinstance(value, dict) and text.count("[") + text.count("{") <= 32:
        parse_body(data)


def hashing(data: bytes) -> None:
    """A hash can be made of whatever was read, in each of the ways."""
    try:
        members = parse_body(data)
    except MalformedBodyError:
        return
    fields = [(name, member.hashed) for name, member in members.items() if name != "hash"]
    for encoded in (False, True):
        for empty_kept in (False, True):
            one = body_hash(fields, "secret", encoded=encoded, empty_kept=empty_kept)
            assert len(one) == 32
            assert one == body_hash(reversed(fields), "secret", encoded=encoded, empty_kept=empty_kept)


def amount(data: bytes) -> None:
    """An amount that is taken fits the database's column, and is written as what it was read from."""
    text = data.decode("utf-8", "replace")
    try:
        read = parse_money(text)
    except ValueError:
        return
    assert read >= 0
    assert read == Decimal(text)
    assert read < Decimal(10) ** DIGITS
    assert read == round(read, PLACES)
    assert parse_money(format_money(read)) == read


def field(data: bytes) -> None:
    """A field takes a value or says what is wrong with it, whatever the value is."""
    try:
        members = parse_body(b'{"a": ' + data + b"}")
    except MalformedBodyError:
        return
    value = members["a"].value
    for each in FIELDS:
        try:
            each.deserialize(value)
        except ValidationError:
            continue


PROPERTIES = {"body": body, "refusal": refusal, "hashing": hashing, "amount": amount, "field": field}
