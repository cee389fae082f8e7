"""The reading of a JSON object that keeps every value's text."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet_service.versions.body import JsonNumber, MalformedBodyError, members_as_json, parse_body

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(), values, max_size=6)


def plain(value):
    """Turn numbers kept as text into numbers again."""
    if isinstance(value, JsonNumber):
        return Decimal(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value


@given(objects, st.sampled_from([None, 2]), st.booleans())
def test_reads_what_the_standard_library_reads(document, indent, ascii_only):
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    try:
        body = text.encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8; escaped it has
        body = json.dumps(document).encode()
    members = parse_body(body)
    expected = json.loads(body, parse_float=Decimal, parse_int=Decimal)
    assert {name: plain(member.value) for name, member in members.items()} == expected
    for name, member in members.items():
        assert json.loads(member.text, parse_float=Decimal, parse_int=Decimal) == expected[name]
    assert json.loads(members_as_json(members, frozenset()), parse_float=Decimal, parse_int=Decimal) == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_malformed(body):
    try:
        members = parse_body(body)
    except MalformedBodyError:
        return
    json.loads(members_as_json(members, frozenset()))


@given(objects, st.data())
def test_a_body_cut_anywhere_is_malformed(document, data):
    body = json.dumps(document).encode()
    with pytest.raises(MalformedBodyError):
        parse_body(body[: data.draw(st.integers(0, len(body) - 1))])


@pytest.mark.parametrize("text", ["10.0", "10", "1E2", "-0", "0.10", "1" * 40, "[1.50,  2]", '{"a": 1.0}', "true"])
def test_text_is_kept_as_sent(text):
    member = parse_body(f'{{"a" :  {text} }}'.encode())["a"]
    assert (member.text, member.hashed) == (text, text)


def test_of_a_string_the_content_is_hashed():
    member = parse_body(rb'{"a": "\u00e4\/\"b"}')["a"]
    assert member.hashed == 'ä/"b'


def test_a_constant_that_json_lacks_is_kept_as_a_string():
    members = parse_body(b'{"a": NaN, "b": -Infinity}')
    assert members["a"].value == "NaN"
    assert members_as_json(members, frozenset({"b"})) == '{"a": "NaN"}'
