"""CancelRound, asked of a real server: what is sent, what each answer means, and when it is sent again."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from tests.conftest import free_port, signed
from tests.stand import OK, PARTNER, SECRET, SILENCE, TOKEN, TRICKLE, Stand, http, refused, reveals
from wallet_service.lucky_monaco import Answer, LuckyMonaco, Reply

ACCEPTED, REFUSED, UNKNOWN = Answer


@pytest.mark.parametrize("round_id", ["r-1", None])
def test_v4_asks_as_documented(stand, new_client, caplog, round_id):
    stand.will(OK)
    assert new_client("v4").cancel_round("Zoë/1", round_id, "vs20 lucky") == Reply(ACCEPTED, "0", "Success")
    [(path, sent)] = stand.asked
    assert urlsplit(path).path == "/V4/cancelround"
    assert parse_qs(urlsplit(path).query) == {"MEMB_ID": [PARTNER], "HASH": [TOKEN]}
    fields = {"secureLogin": PARTNER, "externalPlayerId": "Zoë/1", "gameId": "vs20 lucky"}
    if round_id:
        fields["roundId"] = round_id
    assert json.loads(sent) == {**fields, "hash": signed(fields, SECRET)}
    assert "HTTP Request: POST" in caplog.text, "what is logged is looked at, for the token is in the path"
    assert "Zoë/1".encode() in sent, "the text that was hashed is the text that was sent"


@pytest.mark.parametrize("game_id", ["vs20lucky", None])
def test_v4_02_asks_as_documented(stand, new_client, game_id):
    stand.will(*[http(200, {"error": 0, "description": "Success", "roundId": "123"})] * 2)
    lucky_monaco = new_client()
    for _ in range(2):
        assert lucky_monaco.cancel_round("u1", "123", game_id) == Reply(ACCEPTED, "0", "Success")
    assert [path for path, _ in stand.asked] == ["/v4/CancelRound"] * 2
    first, second = stand.bodies
    assert UUID(first.pop("uuid")) != UUID(second.pop("uuid"))
    fields = {"secureLogin": PARTNER, "userId": "u1", "roundId": "123", "token": TOKEN}
    assert first == second == (fields | {"gameId": game_id} if game_id else fields)
    assert stand.connections == 1, "the connection is used again"


def test_white_label_prefix(stand, new_client):
    stand.will(OK)
    new_client(v402_prefix="/v1").cancel_round("u1", "123", None)
    assert stand.asked[0][0] == "/v1/CancelRound"


@pytest.mark.parametrize(
    ("version", "user_id", "round_id", "game_id"),
    [
        ("v4", "u1", "r1", None),
        ("v4", "u1", "", "g1"),
        ("v4", "u1", " ", "g1"),
        ("v4", "u1", "r1", ""),
        ("v4.02", "u1", None, "g1"),
        ("v4.02", "", "r1", "g1"),
        ("v4.02", "u" * 33, "r1", "g1"),
        ("v4.02", "u1", "r" * 37, "g1"),
        ("v4.02", "u1", "r1", "g" * 33),
        ("v4.02", "u\n1", "r1", "g1"),
        ("v4.02", "u\ud800", "r1", "g1"),
    ],
)
def test_what_cannot_be_meant_is_not_sent(stand, new_client, version, user_id, round_id, game_id):
    stand.will(OK)
    lucky_monaco = new_client(version)
    with pytest.raises(ValueError, match=r"requires a|must have"):
        lucky_monaco.cancel_round(user_id, round_id, game_id)
    assert stand.asked == []
    lucky_monaco.cancel_round("u" * 32, "r" * 36, "g" * 32)


@pytest.mark.parametrize("missing", ["url", "partner_id", "token", "hash_secret"])
def test_no_client_without_its_secrets(missing):
    given: dict[str, Any] = {"url": "https://api.example.com", "partner_id": PARTNER, "token": TOKEN}
    given["hash_secret"] = SECRET
    with pytest.raises(ValueError, match="must not be empty") as error:
        LuckyMonaco(version="v4", **{**given, missing: ""})
    assert not reveals(str(error.value))
    with LuckyMonaco(version="v4.02", **{**given, "hash_secret": ""}) as lucky_monaco:
        assert not reveals(repr(lucky_monaco))


def test_the_answers_of_both_versions(stand, new_client):
    """Whatever the new_client's version is, since an answer says itself what it is."""
    cases = [
        (200, {"error": 0, "description": "Success"}, ACCEPTED, "0", "Success"),
        (200, {"error": "0", "description": "Success"}, ACCEPTED, "0", "Success"),
        (200, {"error": 0}, ACCEPTED, "0", ""),
        (200, {"error": 0, "roundId": 123}, ACCEPTED, "0", ""),
        (200, {"error": 0, "roundId": None}, ACCEPTED, "0", ""),
        (200, {"error": 17, "description": "No data"}, REFUSED, "17", "No data"),
        (200, {"error": "54", "description": "Wrong"}, REFUSED, "54", "Wrong"),
        (200, {"error": 4711}, REFUSED, "4711", ""),
        (400, {"error": 57, "description": ["?"]}, REFUSED, "57", ""),
        (400, refused("G.01"), REFUSED, "G.01", "INVALID"),
        (500, refused("G.1"), REFUSED, "G.01", "INVALID"),
        (422, refused("V.9"), REFUSED, "V.09", "INVALID"),
        (500, refused("V.10"), REFUSED, "V.10", "INVALID"),
        (500, refused("X.1"), REFUSED, "X.1", "INVALID"),
        (403, refused("NEW_ONE"), REFUSED, "NEW_ONE", "INVALID"),
        (404, refused("c" * 99), REFUSED, "c" * 31 + "…", "INVALID"),
    ]
    for version in ("v4", "v4.02"):
        lucky_monaco = new_client(version)
        for status, body, answer, code, message in cases:
            stand.will(http(status, body))
            reply = lucky_monaco.cancel_round("u1", "123", "g1")
            assert reply == Reply(answer, code, message), (status, body)


@pytest.mark.parametrize("version", ["v4", "v4.02"])
def test_what_is_no_answer_is_unknown(stand, new_client, version):
    cases = [
        (200, "<html>Welcome</html>"),
        (200, ""),
        (200, "[" * 100_000),
        (200, "[]"),
        (200, "0"),
        (200, "{}"),
        (200, {"error": None}),
        (200, {"error": False}),
        (200, {"error": 0.5}),
        (200, {"error": ""}),
        (200, {"error": []}),
        (200, {"error": {}}),
        (200, refused("0")),
        (200, refused(" ")),
        (201, {"error": 0}),
        (404, {"error": 0}),
        (404, "<html>Not Found</html>"),
        (404, {"error": "Not Found", "status": 404}),
        (500, ""),
        (500, {"error": "Internal Server Error", "status": 500}),
        (502, {"error": 502}),
        (503, refused("503", "Service Unavailable")),
    ]
    lucky_monaco = new_client(version)
    for status, body in cases:
        stand.will(http(status, body))
        reply = lucky_monaco.cancel_round("u1", "123", "g1")
        assert (reply.answer, reply.code) == (UNKNOWN, ""), (status, body)
        assert reply.message.startswith(f"HTTP {status} with ")
    assert len(stand.asked) == len(cases), "none of them was asked twice"


def test_an_acceptance_of_another_round_is_unknown(stand, new_client):
    stand.will(http(200, {"error": 0, "roundId": "124"}))
    assert new_client().cancel_round("u1", "123", None).answer is UNKNOWN


def test_texts_from_outside_are_bounded_and_printable_and_repeat_no_secret(stand, new_client):
    stand.will(
        http(403, refused("G.02", f"token {TOKEN} or {SECRET} \x1b[2J\r\n\u202e\ud800")),
        http(403, refused("G.02", "é" * 299 + SECRET)),
        http(403, refused("G.02", "\x00" * 1000)),
        http(403, refused(TOKEN, "?")),
    )
    replies = [new_client("v4").cancel_round("u1", "r1", "g1") for _ in range(4)]
    assert replies[0].message == r"token … or … \x1b[2J\r\n\u202e\ud800"
    assert replies[1].message == "é" * 299 + "…"
    assert len(replies[2].message) == 300
    assert replies[3] == Reply(REFUSED, "…", "?")
    assert not reveals(repr(replies))


@pytest.mark.parametrize("version", ["v4", "v4.02"])
@pytest.mark.parametrize(
    "nasty",
    [
        (SILENCE,),
        (b"HTTP/1.1 200 OK\r\n", SILENCE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", TRICKLE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b'{"error": 0}', b""),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b'{"error": 0, "desc', b""),
        (b"", b""),
        (b"\x16\x03\x01 no HTTP\r\n\r\n", b""),
        (http(200, {"error": 0, "description": "x" * (1 << 20)}),),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (1 << 20), TRICKLE),
        (http(200, "", "Content-Encoding: gzip"),),
    ],
    ids=lambda parts: f"{str(parts[0])[:25]} {str(parts[-1])[:25]}",
)
def test_a_cancel_whose_answer_fails_is_unknown_and_not_sent_again(stand, new_client, version, nasty):
    stand.will(nasty, OK)
    reply = new_client(version, read_timeout=0.5).cancel_round("u1", "r1", "g1")
    assert (reply.answer, reply.code) == (UNKNOWN, "")
    assert reply.message
    assert len(stand.asked) == 1


@pytest.mark.parametrize("version", ["v4", "v4.02"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(stand, new_client, version, status):
    stand.will(http(status, {"error": 0}, f"Location: {stand.url}/elsewhere"), OK)
    reply = new_client(version).cancel_round("u1", "r1", "g1")
    assert reply == Reply(UNKNOWN, "", f"HTTP {status}, a redirect, which is not followed")
    assert len(stand.asked) == 1


@pytest.mark.parametrize("version", ["v4", "v4.02"])
def test_without_a_connection_a_cancel_is_tried_again_and_then_unknown(new_client, caplog, version):
    lucky_monaco = new_client(version, url=f"http://127.0.0.1:{free_port()}")
    reply = lucky_monaco.cancel_round("u1", "r1", "g1")
    assert (reply.answer, reply.code) == (UNKNOWN, "")
    assert reply.message.startswith("no connection: ")
    assert [record.getMessage().split()[0] for record in caplog.records].count("connect_tcp.started") == 3


def test_a_server_nobody_vouches_for_gets_nothing(new_client):
    stand = Stand(tls=True)
    try:
        reply = new_client(url=stand.url).cancel_round("u1", "r1", "g1")
    finally:
        stand.stop()
    assert (reply.answer, "CERTIFICATE_VERIFY_FAILED" in reply.message) == (UNKNOWN, True)
    assert (stand.connections, stand.asked) == (3, [])
