"""Where a request ends: lengths, chunks, pipelines and connections that break. Two readings of one request are none."""

import pytest

from tests.hostile.conftest import BALANCE, balance_body
from tests.hostile.wire import Wire, head, post

BODY = b'{"userId": "nobody", "providerId": "LM", "currency": "USD", "sessionId": "s", "uuid": "u"}'
START = f"POST {BALANCE} HTTP/1.1"
TYPE = "Content-Type: application/json"
LENGTH = f"Content-Length: {len(BODY)}"


def of(*lines, body=BODY, start=START):
    return head(start, "Host: x", TYPE, *lines) + body


def chunks(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


CHUNKED = "Transfer-Encoding: chunked"

FRAMINGS = {
    "two lengths that agree": (of(LENGTH, LENGTH), [200]),
    "two lengths that differ": (of(LENGTH, "Content-Length: 5"), [400]),
    "a list of lengths": (of(f"Content-Length: {len(BODY)}, {len(BODY)}"), [400]),
    "a negative length": (of("Content-Length: -1"), [400]),
    "a length with a sign": (of(f"Content-Length: +{len(BODY)}"), [400]),
    "a length in hexadecimal": (of("Content-Length: 0x5a"), [400]),
    "a length with a point": (of(f"Content-Length: {len(BODY)}.0"), [400]),
    "no length in it": (of("Content-Length:"), [400]),
    "a length beyond 64 bits": (of("Content-Length: 99999999999999999999999"), [400]),
    "a length of an exabyte": (of("Content-Length: 1000000000000000000"), [413]),
    "no length at all, and what follows is no request": (of(), [400, 400]),
    "a length that ends within the body": (of("Content-Length: 10"), [400, 400]),
    "whole chunks": (of(CHUNKED, body=chunks(BODY[:7], BODY[7:])), [200]),
    "chunks with an extension and a trailer": (
        of(CHUNKED, body=b"%x;a=b\r\n%s\r\n0\r\nX-A: b\r\n\r\n" % (len(BODY), BODY)),
        [200],
    ),
    "a chunk of no length": (of(CHUNKED, body=b"zz\r\n" + BODY), [400]),
    "a chunk beyond 64 bits": (of(CHUNKED, body=b"ffffffffffffffffff\r\n" + BODY), [400]),
    "a chunk of negative length": (of(CHUNKED, body=b"-1\r\n" + BODY), [400]),
    "chunks without an end mark between": (of(CHUNKED, body=b"1\r\n{2\r\n{}0\r\n\r\n"), [400]),
    "a chunk extension of a megabyte": (of(CHUNKED, body=b"1;" + b"a" * 1_000_000), [400]),
    "trailers of a megabyte": (of(CHUNKED, body=b"0\r\n" + b"X-A: b\r\n" * 120_000 + b"\r\n"), [400]),
    "more chunks than a body may have": (of(CHUNKED, body=chunks(*[b" " * 1000] * 300)), [413]),
    "chunked and a length": (of(CHUNKED, LENGTH, body=chunks(BODY)), [200]),
    "a length and chunked": (of("Content-Length: 3", CHUNKED, body=chunks(BODY)), [200]),
    "chunked twice": (of(CHUNKED, CHUNKED, body=chunks(BODY)), None),
    "a coding that nobody knows": (of("Transfer-Encoding: xchunked"), [400]),
    "chunked, and then another coding": (of("Transfer-Encoding: chunked, identity"), [400]),
    "a coding with a tab before it": (of("Transfer-Encoding:\tchunked", body=chunks(BODY)), [200]),
    "a coding with a space before its colon": (of("Transfer-Encoding : chunked", body=chunks(BODY)), [400]),
    "a coding with a vertical tab": (of("Transfer-Encoding: \x0bchunked", body=chunks(BODY)), [400]),
    "chunks in HTTP/1.0": (of(CHUNKED, body=chunks(BODY), start=START.replace("1.1", "1.0")), [400]),
    "HTTP/1.0": (of(LENGTH, start=START.replace("1.1", "1.0")), [200]),
    "HTTP/3.0": (of(LENGTH, start=START.replace("1.1", "3.0")), [400]),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", [400]),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0", []),
    "an upgrade to HTTP/2": (of(LENGTH, "Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAA"), [200]),
    "an upgrade to a socket": (of(LENGTH, "Connection: Upgrade", "Upgrade: websocket"), [400]),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), [400]),
    "nothing but NUL": (bytes(1000), [400]),
    "lines that end in LF alone": (of(LENGTH, body=b"").replace(b"\r\n", b"\n") + BODY, [200]),
    "lines that end in CR alone": (of(LENGTH, body=b"").replace(b"\r\n", b"\r") + BODY, [400]),
    "an expectation": (of(LENGTH, "Expect: 100-continue"), [200]),
    "an expectation that nobody knows": (of(LENGTH, "Expect: a miracle"), [200]),
}


@pytest.mark.parametrize(("data", "statuses"), FRAMINGS.values(), ids=FRAMINGS)
def test_a_request_ends_in_one_place_or_is_refused(say, data, statuses):
    found = [answer.status for answer in say(data, 2 if statuses and len(statuses) > 1 else 1)]
    assert found in ([statuses] if statuses is not None else [[200], [400]])


@pytest.mark.parametrize(
    "smuggled",
    [
        of("Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"),
        of(CHUNKED, "Content-Length: 5", body=b"0\r\n\r\n"),
        of(CHUNKED, "Transfer-Encoding: identity", body=b"0\r\n\r\n"),
    ],
    ids=["length first", "chunked first", "two codings"],
)
def test_what_two_servers_might_read_in_two_ways_ends_its_connection(say, smuggled):
    assert [answer.status for answer in say(smuggled + post(BALANCE, BODY), 2)] == [400], "no second request"


def test_requests_one_behind_the_other_are_answered_in_their_order(say, player):
    good, bad = post(BALANCE, balance_body(player)), post(BALANCE, b"{}")
    answers = say(b"".join([good, bad] * 50), 100)
    assert [answer.json()["error"] for answer in answers] == [0, 64] * 50


def test_bytes_one_by_one_are_a_request_too(target, player):
    with Wire(target.port) as wire:
        for byte in post(BALANCE, balance_body(player)):
            wire.send(bytes([byte]))
        assert wire.answer().json()["cash"] == "100.00"


BET = "/v4/Bet?authToken=test-token"


def bet_body(player):
    return (
        b'{"userId": "%s", "providerId": "LM", "currency": "USD", "sessionId": "s", "uuid": "u", "amount": "1",'
        b' "reference": "b1", "roundId": "r1", "gameId": "g", "gameName": "G", "roundDetails": "x", "timestamp": "1"}'
    ) % player.user_id.encode()


def test_a_call_that_broke_off_is_not_applied(target, player):
    """A body may be an object already, and yet less than was announced."""
    with Wire(target.port) as wire:
        wire.send(post(BET, bet_body(player), length=len(bet_body(player)) + 1))
        wire.end()
        came = wire.rest()  # all of the answer, a part of it, or nothing
    assert not came or came.startswith(b"HTTP/1.1 400 ")
    assert player.log() == []


def test_a_call_in_chunks_that_broke_off_within_its_object_is_not_applied(target, player):
    body = bet_body(player)
    with Wire(target.port) as wire:
        wire.send(of(CHUNKED, body=b"%x\r\n%s" % (len(body), body[:-1]), start=f"POST {BET} HTTP/1.1"))
        wire.end()
        came = wire.rest()  # all of the answer, a part of it, or nothing
    assert not came or came.startswith(b"HTTP/1.1 400 ")
    assert player.log() == []


def test_a_sender_who_closes_its_side_too_early_harms_nobody(target, player):
    with Wire(target.port) as wire:
        wire.send(post(BALANCE, balance_body(player)))
        wire.end()
        came = wire.rest()  # all of the answer, a part of it, or nothing
    assert not came or came.startswith(b"HTTP/1.1 200 ")
