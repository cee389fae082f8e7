"""Credentials (contract, section 5)."""

import hmac
from dataclasses import replace
from itertools import product
from urllib.parse import quote

import pytest

from tests.conftest import signed
from wallet_service.auth import Credentials, body_hash
from wallet_service.settings import Settings

SETTINGS = Settings(partner_id="op", partner_token=("new", "old"), hash_secret=("testKey", "oldKey"))
CREDENTIALS = Credentials(SETTINGS)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"secureLogin": "smbt_smartbet"}, "b7096972d63a5be14f489d334d594e6a"),
        ({"secureLogin": "tg_tigergames"}, "502c379dee1413a935959d072c9a2b35"),
        (
            {
                "sessionId": "6fd2d6f3bb8f4c5a9fadf15d81206af2",
                "providerId": "PragmaticPlay",
                "playerId": "123456",
            },
            "c46d5b113e81d306831a06765e12067f",
        ),
    ],
)
def test_published_vectors(fields, expected):
    assert CREDENTIALS.hash_valid(fields.items(), expected)
    assert CREDENTIALS.hash_valid(fields.items(), expected.upper())
    assert not CREDENTIALS.hash_valid({**fields, "extra": "1"}.items(), expected)
    assert not CREDENTIALS.hash_valid(fields.items(), expected[:-1] + "x")
    assert not CREDENTIALS.hash_valid(fields.items(), "")


@pytest.mark.parametrize(("encoded", "empty_kept"), list(product([False, True], repeat=2)))
def test_the_four_kinds_of_sender(encoded, empty_kept):
    fields = {"b": "a value/with:much=in&it", "a": "ü", "empty": "", "C": "capitals come first"}
    sent = {name: quote(value, safe="") if encoded else value for name, value in fields.items() if value or empty_kept}
    given = signed(sent, "testKey")
    assert body_hash(fields.items(), "testKey", encoded=encoded, empty_kept=empty_kept) == given
    assert CREDENTIALS.hash_valid(fields.items(), given)


def test_every_configured_secret_is_accepted():
    fields = {"a": "1"}
    for secret, accepted in {"testKey": True, "oldKey": True, "other": False}.items():
        assert CREDENTIALS.hash_valid(fields.items(), signed(fields, secret)) is accepted


def test_a_hash_of_strange_characters_is_just_wrong():
    assert not CREDENTIALS.hash_valid([("a", "\ud800")], "İ\ud800")


@pytest.mark.parametrize(
    ("query", "valid"),
    [
        ({"authToken": "new"}, True),
        ({"authToken": "old"}, True),
        ({"MEMB_ID": "op", "HASH": "new"}, True),
        ({"MEMB_ID": "op", "HASH": "old"}, True),
        ({"MEMB_ID": "other", "HASH": "new"}, False),
        ({"HASH": "new"}, False),
        ({"MEMB_ID": "op"}, False),
        ({"MEMB_ID": "op", "HASH": ""}, False),
        ({"authToken": ""}, False),
        ({"authToken": "NEW"}, False),
        ({"authToken": "new,old"}, False),
        ({"authToken": "new\ud800"}, False),
        ({"authtoken": "new"}, False),
        ({}, False),
    ],
)
def test_url_token(query, valid):
    assert CREDENTIALS.url_token_valid(query) is valid


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "allowed"),
    [
        ("203.0.113.7", "", True),
        ("203.0.113.200", "", False),
        ("::ffff:203.0.113.7", "", True),
        ("2001:db8::1", "", True),
        ("2001:db9::1", "", False),
        (None, "", False),
        ("not an address", "", False),
        # A stranger's claim is not believed.
        ("198.51.100.1", "203.0.113.7", False),
        # The proxy's word is, and only the right-most entry is its own.
        ("10.0.0.1", "203.0.113.7", True),
        ("10.0.0.1", "198.51.100.1", False),
        ("10.0.0.1", "203.0.113.7, 198.51.100.1", False),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", True),
        ("10.0.0.1", "198.51.100.1,203.0.113.7, 10.0.0.2", True),
        ("10.0.0.1", "203.0.113.7, garbage", False),
        ("10.0.0.1", "203.0.113.7:5555", True),
        ("10.0.0.1", "[2001:db8::1]:5555", True),
        ("10.0.0.1", "[2001:db8::1]", True),
        ("10.0.0.1", "198.51.100.1:5555, 203.0.113.7:80, 10.0.0.2:80", True),
        ("10.0.0.1", "203.0.113.7, 198.51.100.1:5555", False),
        ("10.0.0.1", "2001:db8::1", True),
        ("10.0.0.1", "203.0.113.7:", False),
        ("10.0.0.1", "203.0.113.7:80:80", False),
        ("10.0.0.1", "[203.0.113.7", False),
        ("203.0.113.7:80", "", False),
        ("10.0.0.1", "", False),
        ("10.0.0.1", None, False),
        ("10.0.0.1", "10.0.0.2", False),
        # However it is written, and however much of it there is.
        ("::ffff:10.0.0.1", "::ffff:203.0.113.7", True),
        ("::ffff:10.0.0.1", "[::ffff:203.0.113.7]:443", True),
        ("::ffff:198.51.100.1", "203.0.113.7", False),
        ("192.0.2.66", "203.0.113.7", True),
        ("192.0.2.67", "203.0.113.7", False),
        ("192.0.2.65", "203.0.113.7", True),
        ("10.0.0.1", "2001:db8::1%eth0", True),
        ("10.0.0.1", "203.0.113.07", False),
        ("10.0.0.1", "203.0.113.7\x00", False),
        ("10.0.0.1", "3405803783", False),
        ("10.0.0.1", "unknown", False),
        ("10.0.0.1", "_hidden", False),
        ("10.0.0.1", "for=203.0.113.7", False),
        ("10.0.0.1", ",, ,", False),
        ("10.0.0.1", "203.0.113.7, ", True),
        ("10.0.0.1", "203.0.113.7," * 50_000 + "198.51.100.1", False),
        ("10.0.0.1", "198.51.100.1," * 50_000 + "203.0.113.7", True),
        ("10.0.0.1", "203.0.113.7" + ", 10.0.0.2" * 31, True),
        ("10.0.0.1", "203.0.113.7" + ", 10.0.0.2" * 32, False),
        ("10.0.0.1", "1" * 1_000_000, False),
        # A connection over a Unix socket has no address, so it is nobody's, whatever it claims.
        ("", "203.0.113.7", False),
        (None, "203.0.113.7", False),
    ],
)
def test_networks(peer, forwarded_for, allowed):
    settings = Settings.load(
        {
            "WALLET_ALLOWED_NETWORKS": "203.0.113.0/25, 2001:db8::/32",
            "WALLET_TRUSTED_PROXIES": "10.0.0.0/24, ::ffff:192.0.2.64/127, ::ffff:192.0.2.66/128",
        }
    )
    assert Credentials(settings).network_allowed(peer, forwarded_for) is allowed


@pytest.mark.parametrize(
    ("forwarded_for", "allowed"), [(None, True), ("203.0.113.7", False), ("", False), (" , ", False)]
)
def test_a_proxy_in_an_allowed_network_speaks_for_itself_only_where_nobody_is_claimed(forwarded_for, allowed):
    # The server hands on a header that is not ASCII as an empty one.
    settings = Settings.load({"WALLET_ALLOWED_NETWORKS": "10.0.0.0/24", "WALLET_TRUSTED_PROXIES": "10.0.0.0/24"})
    assert Credentials(settings).network_allowed("10.0.0.1", forwarded_for) is allowed


def test_every_comparison_is_of_digests_of_one_length_and_goes_to_its_end(monkeypatch):
    compared = []

    def compare(expected, given):
        compared.append((len(expected), len(given)))
        return hmac_compare(expected, given)

    hmac_compare = hmac.compare_digest
    credentials = Credentials(replace(SETTINGS, operator_token=("platform", "older")))
    monkeypatch.setattr(hmac, "compare_digest", compare)
    for token in ("new", "old", "", "n", "x" * 10_000, "neW", "\ud800"):
        for query, times in (
            ({"authToken": token}, 3),
            ({"MEMB_ID": "op", "HASH": token}, 3),
            ({"MEMB_ID": "stranger", "HASH": token}, 3),
            ({"HASH": token}, 3),
        ):
            compared.clear()
            credentials.url_token_valid(query)
            assert compared == [(32, 32)] * times, query
        compared.clear()
        credentials.operator_token_valid(f"Bearer {token}")
        assert compared == [(32, 32)] * 2
    for given in (signed({"a": "1"}, "testKey"), signed({"a": "1"}, "oldKey"), "", "0" * 31, "x" * 10_000):
        compared.clear()
        credentials.hash_valid([("a", "1")], given)
        assert compared == [(32, 32)] * 8


def test_without_allowed_networks_any_may_call():
    assert Credentials(replace(SETTINGS, allowed_networks=())).network_allowed("198.51.100.1", None)


BODY = {"providerId": "LM", "reference": "f1", "roundId": "r1"}


@pytest.mark.parametrize(
    "query", ["", "?authToken=wrong", "?HASH=test-token", "?MEMB_ID=test-operator&HASH=wrong", "?authToken="]
)
@pytest.mark.parametrize("prefix", ["/v4", "/V4"])
def test_wrong_url_token_over_http(service, player, prefix, query):
    body = {**BODY, "userId": player.user_id}
    response = service.post(f"{prefix}/Refund{query}", {**body, "hash": signed(body, "test-secret")})
    if prefix == "/V4":
        assert (response.status_code, response.json()["error"]["code"]) == (401, "G.54")
    else:
        assert (response.status_code, response.json()) == (200, {"error": 54, "description": "Credentials wrong"})
    assert player.log() == []


@pytest.mark.parametrize("given", [..., "", None, 5, [], "0" * 32, "ü"])
def test_v4_needs_a_right_hash(service, player, given):
    body = {**BODY, "userId": player.user_id}
    response = service.post(
        "/V4/Refund?MEMB_ID=test-operator&HASH=test-token", body if given is ... else {**body, "hash": given}
    )
    assert (response.status_code, response.json()["error"]["code"]) == (401, "G.54")
    assert player.log() == []


def test_v4_02_checks_a_hash_that_is_sent(service, player):
    body = {**BODY, "userId": player.user_id, "gameId": "g", "gameName": "G", "currency": "USD", "uuid": "u"}
    assert service.v4_02("Refund", {**body, "hash": "0" * 32}).json()["error"] == 54
    assert player.log() == []
    assert service.v4_02("Refund", {**body, "hash": signed(body, "test-secret")}).json()["error"] == 0


def test_numbers_are_hashed_as_their_text(service, player):
    for amount in ("10.0", "10", "1e1"):
        fields = {**BODY, "userId": player.user_id, "amount": amount}
        body = f'{{"userId": "{player.user_id}", "providerId": "LM", "reference": "f1", "roundId": "r1", "amount": '
        body += f'{amount}, "hash": "{signed(fields, "test-secret")}"}}'
        response = service.post(
            "/V4/Refund?MEMB_ID=test-operator&HASH=test-token",
            content=body,
            headers={"Content-Type": "application/json"},
        )
        assert response.json()["error"] == 0, amount


def test_only_allowed_networks_over_http(new_service, player):
    service = new_service(WALLET_ALLOWED_NETWORKS="203.0.113.0/24", WALLET_TRUSTED_PROXIES="127.0.0.1/32")
    body = {"providerId": "LM", "userId": player.user_id, "currency": "USD", "sessionId": "s", "uuid": "u"}

    def balance(**headers):
        path = "/v4/Balance?authToken=test-token"
        return service.post(path, content=json_of(body), headers={"Content-Type": "application/json", **headers}).json()

    assert balance()["error"] == 54
    assert balance(**{"X-Forwarded-For": "203.0.113.9"})["error"] == 0
    assert balance(**{"X-Forwarded-For": "203.0.113.9, 198.51.100.1"})["error"] == 54
    assert service.http.get("/healthz").status_code == 200, "health is asked from elsewhere"


def json_of(body):
    return str(body).replace("'", '"')
