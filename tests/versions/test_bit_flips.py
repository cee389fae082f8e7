"""Every single-bit change of a signed body is refused, or leaves the call that is read from it unchanged."""

import json
from dataclasses import fields
from random import Random

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from tests.conftest import SECRETS, signed
from wallet_service.auth import Credentials, body_hash
from wallet_service.settings import ISO_4217, Settings
from wallet_service.versions.endpoint import Accepted, InvalidRequestError, read_call
from wallet_service.versions.v4 import routes as v4_routes
from wallet_service.versions.v4_02 import routes as v4_02_routes

V4_02, V4 = v4_02_routes.v4_02("/v4"), v4_routes.v4("USD")
CREDENTIALS = Credentials(Settings.load({**SECRETS, "WALLET_HASH_SECRET": "test-secret,older"}))
ACCEPTED = Accepted("", ISO_4217)
APP = Flask(__name__)

VALUES = {
    "userId": '"pl\\u00e4yer-1"',
    "playerId": '"player-1"',
    "providerId": '"LM"',
    "uuid": '"6f1c 0b1e/é+%41"',
    "sessionId": '"s&1=2"',
    "currency": '"EUR"',
    "amount": "10.50",
    "reference": '"ref-1"',
    "roundId": "4711",
    "gameId": '"vs20lucky"',
    "gameName": '"Lucky Twenty"',
    "roundDetails": '[{"spin": 1.0}, null, true]',
    "timestamp": '"1764000000000"',
    "timeStamp": '"1764000000000"',
    "bonusCode": '""',
    "platform": '"\\ud800"',
    "token": '"t"',
    "promoWinAmount": '"0.5"',
    "promoWinReference": '"promo-1"',
    "promoCampaignID": '"c1"',
    "campaignId": '"c1"',
    "promoCampaignType": '"T"',
    "campaignType": '"T"',
    "jackpotId": '"7"',
    "win": "5e1",
}
"""Texts of all kinds: numbers and strings, escapes, signs that are percent-encoded, an array, nothing, a surrogate."""
CALLS = [(version, method) for version in (V4_02, V4) for method in version.methods]
KINDS = [(False, True), (False, False), (True, True), (True, False)]


def body_of(method, *, encoded=False, empty_kept=True):
    """Return a signed body with all fields of a call that it has a value for."""
    names = {field.data_key or name for name, field in method.schema.fields.items()}
    texts = {name: VALUES[name] for name in VALUES if name in names}
    plain = {name: json.loads(text) if text.startswith('"') else text for name, text in texts.items()}
    texts["hash"] = f'"{body_hash(plain.items(), "test-secret", encoded=encoded, empty_kept=empty_kept)}"'
    return ("{" + ", ".join(f'"{name}": {text}' for name, text in texts.items()) + "}").encode()


def read(version, method, body):
    """Return what the service reads from a body, without what it merely keeps; ``None`` where it refuses it."""
    with APP.test_request_context("/?authToken=test-token", method="POST", data=body, content_type="application/json"):
        try:
            call = read_call(version, method, CREDENTIALS, ACCEPTED, {})
        except (InvalidRequestError, HTTPException):
            return None
    return {item.name: getattr(call, item.name) for item in fields(call) if item.name != "sent"}


def flipped(body, bit):
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize(("version", "method"), CALLS, ids=lambda value: value.name)
def test_every_bit_of_every_call(version, method):
    body = body_of(method)
    as_signed = read(version, method, body)
    assert as_signed
    refused = 0
    for bit in range(len(body) * 8):
        changed = read(version, method, flipped(body, bit))
        assert changed in (None, as_signed), flipped(body, bit)
        refused += changed is None
    # What may change: the case of the hash and of escapes, kinds of space and, where none is needed, the hash's name.
    assert refused > len(body) * 8 * 0.8


@pytest.mark.parametrize(("encoded", "empty_kept"), KINDS)
@pytest.mark.parametrize("version", [V4_02, V4], ids=lambda version: version.name)
def test_every_bit_of_every_kind_of_sender(version, encoded, empty_kept):
    method = next(method for method in version.methods if method.name == "Refund")
    body = body_of(method, encoded=encoded, empty_kept=empty_kept)
    as_signed = read(version, method, body)
    assert as_signed
    for bit in range(len(body) * 8):
        assert read(version, method, flipped(body, bit)) in (None, as_signed), flipped(body, bit)


def test_a_sample_over_http(service, new_player):
    random = Random(4)
    player = new_player("100")
    bet = {
        "userId": player.user_id,
        "providerId": "LM",
        "amount": "10",
        "reference": "b",
        "roundId": "r",
        "gameId": "g",
    }
    common = {"sessionId": "s", "uuid": "u", "currency": "USD", "gameName": "G", "roundDetails": "d", "timeStamp": "1"}
    for path, plain in (
        ("/V4/Bet?MEMB_ID=test-operator&HASH=test-token", bet),
        ("/v4/Bet?authToken=test-token", bet | common),
    ):
        body = json.dumps({**plain, "hash": signed(plain, "test-secret")}).encode()
        for bit in random.sample(range(len(body) * 8), 150):
            response = service.post(path, content=flipped(body, bit), headers={"Content-Type": "application/json"})
            assert response.status_code < 500, flipped(body, bit)
        assert player.log() in ([], [("bet", -10)]), "a changed bet is none, and one that says the same is that one"
    assert {row.reference for row in player.query("SELECT reference FROM transactions")} <= {"b"}
