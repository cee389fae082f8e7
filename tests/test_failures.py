"""Credentials that are wrong too often: refused early, counted, logged together; and right ones always answered."""

import json
from ipaddress import ip_address

import httpx
import pytest
import structlog

from wallet_service import failures
from wallet_service.auth import Credentials
from wallet_service.door import Door
from wallet_service.early_answers import EarlyAnswer
from wallet_service.failures import FAILURES_LOGGED, MAX_ADDRESSES, WINDOW_S, Failures
from wallet_service.metrics import Metrics
from wallet_service.settings import Settings
from wallet_service.versions.endpoint import Answer


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(failures, "monotonic", clock)
    return clock


def test_an_address_is_over_after_its_failures_and_until_the_window_ends(clock):
    counts = Failures()
    one, other = ip_address("203.0.113.7"), ip_address("203.0.113.8")
    for _ in range(FAILURES_LOGGED):
        assert not counts.any_over
        assert not counts.is_over(one)
        assert counts.count(one), "each is logged by itself"
    assert counts.any_over
    assert counts.is_over(one)
    assert not counts.is_over(other)
    assert not counts.count(one)
    assert counts.count(other)
    clock.now += WINDOW_S
    assert not counts.any_over
    assert not counts.is_over(one)
    assert counts.count(one)


def test_an_ipv6_site_is_one_sender_and_nobody_is_one_too(clock):
    counts = Failures()
    for number in range(FAILURES_LOGGED):
        counts.count(ip_address(f"2001:db8:0:1::{number + 1:x}"))
        counts.count(None)
    assert counts.is_over(ip_address("2001:db8:0:1:ffff::1"))
    assert not counts.is_over(ip_address("2001:db8:0:2::1"))
    assert counts.is_over(None)


def test_the_table_is_bounded_and_while_it_is_full_every_further_address_is_over(clock):
    counts = Failures()
    addresses = [ip_address(0x0A000000 + number) for number in range(MAX_ADDRESSES + 1000)]
    logged = [counts.count(address) for address in addresses]
    assert logged == [True] * MAX_ADDRESSES + [False] * 1000
    assert not counts.is_over(addresses[0])
    assert counts.is_over(addresses[-1])


def test_those_beyond_are_logged_together_once_a_second(clock, monkeypatch):
    # A logger of its own: another test of this process may have said where logs go, and from which level.
    kept = structlog.testing.CapturingLogger()
    monkeypatch.setattr(failures, "log", structlog.wrap_logger(kept, [structlog.processors.KeyValueRenderer()]))
    counts = Failures()
    address = ip_address("203.0.113.7")
    for _ in range(FAILURES_LOGGED):
        counts.count(address)
    for _ in range(50):
        for _ in range(100):
            counts.count(address)
        clock.now += 0.1
    lines = [call for call in kept.calls if "credentials refused" in call.args[0]]
    assert 5 <= len(lines) <= 6


ANSWERS = {"/v4/bet": EarlyAnswer(Answer(200, "wrong"))}
OPERATOR_ANSWER = EarlyAnswer(Answer(401, "wrong"))


@pytest.fixture
def door(clock):
    """Return a way to knock from an address that has failed too often already; it tells whether one was let pass."""
    settings = Settings(partner_id="op", partner_token=("right",), hash_secret=("s",), operator_token=("mine",))
    credentials = Credentials(settings)
    for _ in range(FAILURES_LOGGED):
        credentials.failures.count(ip_address("203.0.113.7"))

    def app(environ, start_response):
        assert "wsgi.input" not in environ
        return [b"in"]

    door = Door(app, credentials, ANSWERS, "/operator", OPERATOR_ANSWER, Metrics())

    def started(*_):
        return None

    def knock(target, address="203.0.113.7", method="POST", **headers):
        path, _, query = target.partition("?")
        environ = {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method, "REMOTE_ADDR": address}
        return b"".join(door(environ | headers, started)) == b"in"

    return knock


def test_the_door_refuses_wrong_credentials_of_who_failed_too_often_alone(door):
    assert door("/v4/Bet?authToken=right")
    assert door("/v4/Bet?MEMB_ID=op&HASH=right")
    assert not door("/v4/Bet?authToken=wrong")
    assert not door("//v4/Bet?authToken=wrong")
    assert not door("/v4/Bet")
    assert not door("/v4/Bet?MEMB_ID=other&HASH=right")
    assert door("/v4/Bet?authToken=wrong", address="203.0.113.8"), "the route refuses it"
    assert door("/operator/deposits", HTTP_AUTHORIZATION="Bearer mine")
    assert not door("/operator/deposits", HTTP_AUTHORIZATION="Bearer wrong")
    assert not door("/operator/players/p/wallets/USD", method="GET")
    assert door("/healthz", method="GET")
    assert door("/v4/Bet", method="GET"), "no call at all, which the route says"


BODY = {"providerId": "LM", "currency": "USD", "sessionId": "s", "uuid": "u"}


def test_a_flood_of_wrong_credentials_over_http(new_service, player):
    service = new_service(WALLET_OPERATOR_TOKEN="mine")
    body = {**BODY, "userId": player.user_id}
    with httpx.Client(base_url=service.http.base_url) as http:
        wrong = [http.post("/v4/Balance?authToken=wrong-one", json=body) for _ in range(FAILURES_LOGGED + 300)]
        assert {(one.status_code, one.text) for one in wrong} == {(200, wrong[0].text)}
        assert wrong[0].json() == {"error": 54, "description": "Credentials wrong"}
        other = http.post("/V4/Balance?authToken=wrong-one", json=body)
        assert (other.status_code, other.json()["error"]["code"]) == (401, "G.54")
        assert http.post("/operator/deposits", json={}).json() == {"outcome": "credentials_wrong"}
        assert http.post("/v4/Balance?authToken=test-token", json={**body, "hash": "0" * 32}).json()["error"] == 54
        for _ in range(50):
            assert http.post("/v4/Balance?authToken=wrong-one", json=body).json()["error"] == 54
            assert http.post("/v4/Balance?authToken=test-token", json=body).json()["error"] == 0, (
                "from the same address"
            )
    service.stop()
    lines = [json.loads(line) for line in service.log if line.startswith("{")]
    alone = [line for line in lines if line.get("outcome") == "credentials_wrong"]
    together = [line for line in lines if line["event"] == "credentials refused"]
    assert len(alone) == FAILURES_LOGGED
    assert together
    assert together[0]["last_from"] == "127.0.0.1"
    assert "wrong-one" not in "".join(service.log)
