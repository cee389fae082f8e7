"""CancelRound through the operator's real client, in both versions: every refusal, and the Refund that follows."""

import httpx
import pytest

from tests.sandbox.conftest import INBOUND, LOST, VERSIONS, eventually
from wallet_service.auth import body_hash
from wallet_service.lucky_monaco import Answer, LuckyMonaco, Reply
from wallet_service.sandbox import Misbehaviour

ACCEPTED, REFUSED, UNKNOWN = Answer
SUCCESS = Reply(ACCEPTED, "0", "Success")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cancelled_round_is_refunded_and_then_cancelled(wallet, new_sandbox, version):
    running = new_sandbox(version)
    round_id = running.open_round()
    assert running.state(round_id) == "InProgress"
    assert running.operator.cancel_round("u1", round_id, "vs20lucky") == SUCCESS
    running.await_state(round_id, "Cancelled")
    assert running.operator.cancel_round("u1", round_id, "vs20lucky") == SUCCESS, "and again"
    [refund] = wallet.calls("Refund")
    assert refund["roundId"] == round_id
    assert refund["reference"] == wallet.calls("Bet")[0]["reference"]
    told = [(message.direction, message.call, message.outcome) for message in running.messages]
    assert ("to sandbox", "CancelRound", "0 Success") in told
    assert ("to wallet", "Refund", "0 Success") in told


@pytest.mark.parametrize("code", ["15", "999"])
def test_a_refund_that_is_refused_for_good_leaves_the_round_in_cancel_in_process(wallet, new_sandbox, code):
    wallet.decide = lambda call, _body, _n: code if call == "Refund" else "0"
    running = new_sandbox()
    first, second = running.open_round(), running.open_round()
    for round_id in (first, first, second):
        assert running.operator.cancel_round("u1", round_id, None) == SUCCESS
        eventually(lambda: sum(message.call == "Refund" for message in running.messages) >= 1)
    eventually(lambda: len(wallet.calls("Refund")) == 2)
    assert sorted(refund["roundId"] for refund in wallet.calls("Refund")) == [first, second], "each was sent once"
    assert running.state(first) == "CancelInProcess"


@pytest.mark.parametrize(("version", "code"), [("v4", "G.999"), ("v4.02", "999")])
@pytest.mark.parametrize("result", ["0", "998"], ids=["Completed", "CompleteInProcess"])
def test_a_completed_round_is_not_cancelled(wallet, new_sandbox, version, code, result):
    wallet.decide = lambda call, _body, _n: result if call == "Result" else "0"
    running = new_sandbox(version)
    round_id = running.open_round()
    httpx.post(f"{running.url}/sandbox/rounds/{round_id}/result", json={"amount": "5"}).raise_for_status()
    assert running.state(round_id) == ("Completed" if result == "0" else "CompleteInProcess")
    reply = running.operator.cancel_round("u1", round_id, "vs20lucky")
    assert (reply.answer, reply.code) == (REFUSED, code)
    assert wallet.calls("Refund") == []


@pytest.mark.parametrize(
    ("version", "user_id", "round_id", "game_id", "code"),
    [
        ("v4", "u1", None, "nothing", "G.01"),
        ("v4", "u1", "1", "vs20lucky", "G.17"),
        ("v4", "u2", "1000", "vs20lucky", "G.17"),
        ("v4", "u1", "1000", "vs10gold", "G.17"),
        ("v4", "u2", None, "vs20lucky", "G.17"),
        ("v4", "u1", None, "vs10gold", "G.17"),
        ("v4.02", "u1", "1000", "nothing", "58"),
        ("v4.02", "u1", "1", None, "17"),
        ("v4.02", "u2", "1000", None, "17"),
        ("v4.02", "u1", "1000", "vs10gold", "17"),
    ],
)
def test_what_matches_no_round_is_refused(new_sandbox, version, user_id, round_id, game_id, code):
    running = new_sandbox(version)
    assert running.open_round() == "1000"
    reply = running.operator.cancel_round(user_id, round_id, game_id)
    assert (reply.answer, reply.code) == (REFUSED, code)
    assert running.state("1000") == "InProgress"


@pytest.mark.parametrize(
    ("version", "partner", "token", "secret", "code"),
    [
        ("v4", "nobody", INBOUND.token, INBOUND.hash_secret, "G.54"),
        ("v4", INBOUND.partner_id, "wrong", INBOUND.hash_secret, "G.54"),
        ("v4", INBOUND.partner_id, INBOUND.token, "wrong", "G.54"),
        ("v4.02", "nobody", INBOUND.token, "", "54"),
        ("v4.02", INBOUND.partner_id, "wrong", "", "54"),
    ],
)
def test_strangers_are_refused(new_sandbox, version, partner, token, secret, code):
    running = new_sandbox(version)
    round_id = running.open_round()
    with LuckyMonaco(running.url, version, partner, token, secret) as stranger:
        reply = stranger.cancel_round("u1", round_id, "vs20lucky")
    assert (reply.answer, reply.code) == (REFUSED, code)
    assert running.state(round_id) == "InProgress"
    assert not any(key in str(running.messages) for key in (INBOUND.token, INBOUND.hash_secret))


V4_FIELDS = {"secureLogin": "the-partner", "externalPlayerId": "u1", "gameId": "vs20lucky", "roundId": "1000"}
V402_FIELDS = {"secureLogin": "the-partner", "userId": "u1", "roundId": "1000", "token": "their-token", "uuid": "x"}


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({}, 200, None),
        ({"externalPlayerId": ""}, 400, "V.64"),
        ({"gameId": None}, 400, "V.64"),
        ({"externalPlayerId": "u" * 33}, 400, "V.57"),
        ({"roundId": ""}, 400, "V.57"),
        ({"roundId": "1" * 37}, 400, "V.57"),
        ({"roundId": ["1000"]}, 400, "V.57"),
        ({"secureLogin": "another"}, 401, "G.54"),
    ],
)
@pytest.mark.parametrize("name", ["cancelround", "CancelRound"])
def test_v4_checks_the_fields_in_order(new_sandbox, changed, status, code, name):
    running = new_sandbox("v4")
    running.open_round()
    fields = {field: value for field, value in (V4_FIELDS | changed).items() if value is not None}
    texts = [(field, value if isinstance(value, str) else '["1000"]') for field, value in fields.items()]
    fields["hash"] = body_hash(texts, INBOUND.hash_secret, encoded=True, empty_kept=True).upper()
    url = f"{running.url}/V4/{name}"
    credentials = {"MEMB_ID": INBOUND.partner_id, "HASH": INBOUND.token}
    answer = httpx.post(url, params=credentials, json=fields)
    assert (answer.status_code, answer.json()["error"]["code"] if code else answer.json()["error"]) == (
        status,
        code or 0,
    )
    assert httpx.post(url, params=credentials, json=fields | {"hash": 1}).status_code == 401
    assert httpx.post(url, params=credentials, content=b"{").json()["error"]["code"] == "V.57"
    assert httpx.post(url, params=credentials | {"HASH": "x"}, content=b"{").json()["error"]["code"] == "G.54"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, 0),
        ({"roundId": 1000, "gameId": None}, 0),
        ({"roundId": 1000.0}, 57),
        ({"userId": " "}, 64),
        ({"uuid": None}, 64),
        ({"uuid": "x" * 37}, 57),
        ({"gameId": "g" * 33}, 57),
    ],
)
def test_v4_02_checks_the_fields(new_sandbox, changed, code):
    running = new_sandbox(v402_prefix="/v1")
    running.open_round()
    answer = httpx.post(f"{running.url}/v1/cancelround", json=V402_FIELDS | changed)
    assert (answer.status_code, answer.json()["error"]) == (200, code)
    assert answer.json().get("roundId") == (None if code else "1000")
    assert httpx.post(f"{running.url}/v1/cancelround", content=b"[]").json()["error"] == 57
    assert httpx.post(f"{running.url}/v1/other", json={}).status_code == 404
    assert httpx.post(f"{running.url}/v4/CancelRound", json=V402_FIELDS).status_code == 404
    assert httpx.post(f"{running.url}/v1/cancelround", content=b"x" * 65537).status_code == 413


def test_v4_without_a_round_cancels_every_open_round_of_the_player_in_the_game(wallet, new_sandbox):
    running = new_sandbox("v4")
    open_rounds = [running.open_round() for _ in range(3)]
    others = [running.open_round("u2"), running.open_round(game_id="vs10gold")]
    assert running.operator.cancel_round("u1", None, "vs20lucky") == SUCCESS
    for round_id in open_rounds:
        running.await_state(round_id, "Cancelled")
    assert {running.state(round_id) for round_id in others} == {"InProgress"}
    assert sorted(refund["roundId"] for refund in wallet.calls("Refund")) == open_rounds


def test_the_answer_may_be_lost_after_the_call_was_taken(new_sandbox):
    running = new_sandbox(misbehaviour=Misbehaviour(lost_answers=0.5))
    round_id = running.open_round()
    answers = [running.operator.cancel_round("u1", round_id, None).answer for _ in range(12)]
    assert set(answers) == {ACCEPTED, UNKNOWN}, "some are lost, and asking again is enough"
    running.await_state(round_id, "Cancelled")


def test_the_refund_may_come_before_the_answer(wallet, new_sandbox):
    running = new_sandbox(misbehaviour=Misbehaviour(refund_first=1))
    round_id = running.open_round()
    assert running.operator.cancel_round("u1", round_id, None) == SUCCESS
    assert wallet.order() == ["Bet", "Refund"]
    assert running.state(round_id) == "Cancelled"


def test_the_refund_may_never_come(wallet, new_sandbox):
    running = new_sandbox(misbehaviour=Misbehaviour(no_refund=1))
    never = running.open_round()
    assert running.operator.cancel_round("u1", never, None) == SUCCESS
    httpx.put(f"{running.url}/sandbox/misbehaviour", json={"no_refund": 0}).raise_for_status()
    later = running.open_round()
    running.operator.cancel_round("u1", later, None)
    running.await_state(later, "Cancelled")
    assert running.state(never) == "CancelInProcess"
    assert [refund["roundId"] for refund in wallet.calls("Refund")] == [later]


def test_a_refund_is_sent_until_it_is_answered_for_good(wallet, new_sandbox):
    answers = [LOST, "998", "62", LOST, "54", "0"]
    wallet.decide = lambda call, _body, n: answers[n - 1] if call == "Refund" else "0"
    running = new_sandbox()
    round_id = running.open_round()
    running.operator.cancel_round("u1", round_id, None)
    running.await_state(round_id, "Cancelled")
    assert len(wallet.calls("Refund")) == 6
    assert [message.resend for message in running.messages if message.call == "Refund"] == [0, 1, 2, 3, 4, 5]
