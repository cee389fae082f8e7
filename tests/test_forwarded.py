"""Allowed networks over real HTTP, from several addresses of this machine, straight and through claims of proxies."""

import http.client
import json

import pytest

from tests.conftest import Service

PROXY, STRANGER, ALLOWED = "127.0.0.2", "127.0.0.3", "127.0.0.4"
RIGHT, WRONG = 0, 54


@pytest.fixture(scope="module")
def ask(database_url, new_player):
    """Return a way to ask for a balance from an address, with as many ``X-Forwarded-For`` headers as are given."""
    settings = {
        "WALLET_ALLOWED_NETWORKS": f"{ALLOWED}, 2001:db8::/32",
        "WALLET_TRUSTED_PROXIES": f"{PROXY}, 10.0.0.0/8",
    }
    service = Service(database_url, WALLET_LOG_LEVEL="WARNING", **settings)
    fields = {"providerId": "LM", "userId": new_player().user_id, "currency": "USD", "sessionId": "s", "uuid": "u"}
    body = json.dumps(fields).encode()

    def ask(address, *claims, name="X-Forwarded-For", token="test-token"):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30, source_address=(address, 0))
        connection.putrequest("POST", f"/v4/Balance?authToken={token}")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        for claim in claims:
            connection.putheader(name, claim)
        connection.endheaders(body)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        return json.loads(answer)["error"] if response.status == 200 else response.status

    yield ask
    service.stop()


@pytest.mark.parametrize(
    ("address", "claims", "answer"),
    [
        (ALLOWED, [], RIGHT),
        (ALLOWED, [STRANGER], RIGHT),
        (STRANGER, [], WRONG),
        (STRANGER, [ALLOWED], WRONG),
        (STRANGER, [f"{ALLOWED}, {PROXY}"], WRONG),
        (PROXY, [], WRONG),
        (PROXY, [ALLOWED], RIGHT),
        (PROXY, [f"{ALLOWED}:50123"], RIGHT),
        (PROXY, ["2001:db8::7"], RIGHT),
        (PROXY, ["[2001:db8::7]:50123"], RIGHT),
        (PROXY, [f"::ffff:{ALLOWED}"], RIGHT),
        (PROXY, [f"{STRANGER}, {ALLOWED}"], RIGHT),
        (PROXY, [f"{ALLOWED}, {STRANGER}"], WRONG),
        (PROXY, [f"{ALLOWED}, {STRANGER}, 10.1.2.3"], WRONG),
        (PROXY, [f"{STRANGER}, {ALLOWED}, 10.1.2.3"], RIGHT),
        (PROXY, ["garbage"], WRONG),
        (PROXY, [f"{ALLOWED}, garbage"], WRONG),
        (PROXY, ["\xff\xfe"], WRONG),
        (PROXY, [f"{ALLOWED}\t"], RIGHT),
        # Two headers are one list, in their order: what the proxy wrote stands last.
        (PROXY, [STRANGER, ALLOWED], RIGHT),
        (PROXY, [ALLOWED, STRANGER], WRONG),
        (PROXY, [ALLOWED, ""], RIGHT),
        (PROXY, ["10.1.2.3, " * 3000 + ALLOWED], RIGHT),
        (PROXY, [f"{ALLOWED}, " * 3000 + STRANGER], WRONG),
        (PROXY, [ALLOWED + ", 10.1.2.3" * 3000], WRONG),
    ],
)
def test_whose_request_it_is(ask, address, claims, answer):
    assert ask(address, *claims) == answer


@pytest.mark.parametrize("name", ["Forwarded", "X-Real-IP", "Client-IP", "True-Client-IP"])
def test_no_other_header_says_whose_request_it_is(ask, name):
    assert ask(PROXY, ALLOWED, name=name) == WRONG
    assert ask(PROXY, f"for={ALLOWED}", name=name) == WRONG


def test_failures_through_a_proxy_are_those_of_who_sent_them_and_keep_nobody_out(ask):
    """What the claims say left of the trusted ones is anybody's, so nobody can fail in another's name."""
    for number in range(40):
        assert ask(PROXY, f"{ALLOWED}, 127.0.0.{number + 10}", token="wrong") == WRONG
        assert ask(PROXY, f"{ALLOWED}, {STRANGER}", token="wrong") == WRONG
        assert ask(PROXY, ALLOWED, token="wrong") == WRONG
    assert ask(PROXY, ALLOWED) == RIGHT
    assert ask(ALLOWED) == RIGHT
