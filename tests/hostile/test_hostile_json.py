"""Bodies that are JSON in name: what no two readers agree about, what is very large, what is compressed."""

import gzip
import json
import zlib

import pytest

from tests.conftest import SECRETS
from tests.hostile.conftest import OPERATOR_TOKEN
from tests.hostile.wire import head, post

V402 = "/v4/Bet?authToken=test-token"
V4 = f"/V4/Bet?MEMB_ID={SECRETS['WALLET_PARTNER_ID']}&HASH=test-token"
OPERATOR = f"Authorization: Bearer {OPERATOR_TOKEN}"

BET = {
    "userId": "nobody",
    "providerId": "LM",
    "currency": "USD",
    "sessionId": "s",
    "uuid": "u",
    "amount": "1",
    "reference": "b1",
    "roundId": "r1",
    "gameId": "g",
    "gameName": "G",
    "roundDetails": "spin",
    "timestamp": "1",
    "user_id": "nobody",
}


def with_(name: str, text: str) -> bytes:
    """Write the bet with a field's value as this text."""
    rest = {key: value for key, value in BET.items() if key != name}
    return (json.dumps(rest)[:-1] + f', "{name}": {text}' + "}").encode("utf-8", "surrogatepass")


MEGABYTE = 2**20
LONG = "9" * 60_000
BODIES = {
    "a name twice": with_("userId", '"a", "userId": "b"'),
    "a name twice, once escaped": with_("userId", '"a", "user\\u0049d": "b"'),
    "arrays in arrays": with_("roundDetails", "[" * 30_000 + "]" * 30_000),
    "objects in objects": with_("roundDetails", '{"a":' * 10_000 + "1" + "}" * 10_000),
    "arrays that never end": b"[" * 60_000,
    "no UTF-8": with_("roundDetails", '"x"').replace(b"x", b"\xff\xfe"),
    "UTF-8 written too long": with_("roundDetails", '"x"').replace(b"x", b"\xc0\x80"),
    "a surrogate as bytes": with_("roundDetails", '"\ud800"'),
    "a byte order mark": b"\xef\xbb\xbf" + with_("amount", "1"),
    "UTF-16": json.dumps(BET).encode("utf-16"),
    "NUL as a byte": with_("userId", '"a\0b"'),
    "NUL escaped": with_("userId", '"a\\u0000b"'),
    "a lone surrogate in a name": with_("userId", '"\\ud800"'),
    "a lone surrogate in details": with_("roundDetails", '"\\udfff"'),
    "a field named by a surrogate": with_("\\ud800", "1"),
    "a field without a name": with_("", "1"),
    "many fields": (json.dumps(BET)[:-1] + "".join(f',"f{n}":1' for n in range(5_000)) + "}").encode(),
    "a field's name of 60 KB": with_("n" * 60_000, "1"),
    "NaN": with_("amount", "NaN"),
    "Infinity": with_("amount", "-Infinity"),
    "a constant in an array": with_("roundDetails", "[NaN]"),
    "60,000 digits": with_("amount", LONG),
    "60,000 places": with_("amount", "0." + LONG),
    "60,000 digits as a name": with_("userId", LONG),
    "60,000 digits in details": with_("roundDetails", f"[{LONG}]"),
    "an exponent": with_("amount", "1e999999999"),
    "an exponent of 60,000 digits": with_("amount", f"1e{LONG}"),
    "an exponent below": with_("amount", "1e-999999999"),
    "nothing with an exponent": with_("amount", "0e999999999"),
    "nothing with an exponent as text": with_("amount", '"0e-999999"'),
    "an exponent as text": with_("amount", '"1e999999"'),
    "an exponent in details": with_("roundDetails", "[1e999999999]"),
    "an exponent as a name": with_("reference", "1e5"),
    "digits of another script": with_("amount", '"\\u0661"'),
    "a hash of 60 KB": with_("hash", f'"{"a" * 60_000}"'),
    "a hash that is none": with_("hash", "[]"),
    "a hash of surrogates": with_("hash", '"\\ud800"'),
    "escapes only": with_("roundDetails", '"' + "\\u0041" * 10_000 + '"'),
    "spaces only": b" " * 60_000,
    "a million digits": with_("amount", "9" * 10**6),
    "32 megabytes": b" " * 32 * MEGABYTE,
}


@pytest.mark.parametrize("to", ["v4.02", "V4", "operator"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_is_read_or_refused(say, to, body):
    paths = {"v4.02": V402, "V4": V4, "operator": "/operator/deposits"}
    answers = say(post(paths[to], body, OPERATOR), 1)
    for answer in answers:  # a sender that goes on after a refusal may find the connection closed before it is read
        assert answer.status in {200, 400, 401, 404, 413}
        assert answer.status != 200 or answer.json()["error"] in {54, 57, 59, 62, 64, 71}
    assert answers or len(body) > MEGABYTE // 2


def brotli_of_zeros() -> bytes:
    return b"\xff\xff\x3f\xfc\x02\x10" * 100


BOMBS = {
    "gzip": gzip.compress(bytes(50 * MEGABYTE)),
    "x-gzip": gzip.compress(b"{}"),
    "deflate": zlib.compress(bytes(50 * MEGABYTE)),
    "br": brotli_of_zeros(),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(100),
    "gzip, gzip": gzip.compress(gzip.compress(bytes(50 * MEGABYTE))),
    "identity, gzip": gzip.compress(b"{}"),
    "\xff": b"{}",
    "chunked": b"{}",
}


@pytest.mark.parametrize("path", [V402, V4, "/operator/deposits"])
@pytest.mark.parametrize("coding", BOMBS)
def test_a_compressed_body_is_refused_unread(say, path, coding):
    [answer] = say(post(path, BOMBS[coding], f"Content-Encoding: {coding}", OPERATOR), 1)
    assert answer.status == 415


def test_a_body_that_says_it_is_as_it_is_is_taken(say):
    [answer] = say(post(V402, json.dumps(BET).encode(), "Content-Encoding: identity"), 1)
    assert answer.json()["error"] == 62


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "latin-1", "\xff", "a" * 10_000])
def test_a_charset_is_not_believed(say, charset):
    body = json.dumps(BET).encode()
    length = f"Content-Length: {len(body)}"
    data = head(f"POST {V402} HTTP/1.1", "Host: x", f"Content-Type: application/json; charset={charset}", length)
    [answer] = say(data + body, 1)
    assert answer.status in {200, 415}
