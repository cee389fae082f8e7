"""What people and demos ask of the sandbox, and what it keeps for its next start."""

import httpx
import pytest

from tests.sandbox.conftest import LOST, eventually
from wallet_service.sandbox import Misbehaviour

SEAT = {"userId": "u1", "currency": "USD"}


@pytest.mark.parametrize("how", ["json", "data"])
def test_a_round_is_opened_and_won(wallet, new_sandbox, how):
    def post(url: str, fields: dict[str, str]) -> httpx.Response:
        return httpx.post(url, json=fields) if how == "json" else httpx.post(url, data=fields)

    url = f"{new_sandbox().url}/sandbox"
    opened = post(f"{url}/rounds", SEAT | {"amount": "10", "gameId": "vs10gold"}).json()
    assert opened.pop("startedAt")
    answer = {"code": "0", "description": "Success"}
    expected = SEAT | {"roundId": "1000", "gameId": "vs10gold", "state": "InProgress", "betAmount": "10.00"}
    assert opened == expected | {"winAmount": "0.00", "answer": answer}
    won = post(f"{url}/rounds/1000/result", {"amount": "20.5"}).json()
    assert (won["state"], won["winAmount"]) == ("Completed", "20.50")
    assert [body["amount"] for body in wallet.calls() if "amount" in body] == ["10.00", "20.50"]
    again = post(f"{url}/rounds/1000/result", {"amount": "20.5"})
    assert (again.status_code, again.json()) == (409, {"error": "the round is not in progress but Completed"})
    assert post(f"{url}/rounds/1/result", {"amount": "1"}).status_code == 404


def test_a_bet_that_got_no_answer_says_so(wallet, new_sandbox):
    wallet.decide = lambda call, _body, _n: LOST if call == "Bet" else "0"
    opened = httpx.post(f"{new_sandbox().url}/sandbox/rounds", json=SEAT | {"amount": 10}).json()
    assert (opened["state"], opened["betAmount"], opened["answer"]) == ("Cancelled", "0.00", None)


def test_rounds_are_played_and_the_last_hundred_shown(new_sandbox):
    url = f"{new_sandbox().url}/sandbox"
    httpx.post(f"{url}/play", json=SEAT | {"rounds": 10}, timeout=30)  # over before the next hundred begin
    summary = httpx.post(f"{url}/play", json=SEAT | {"rounds": 100}, timeout=30).json()
    assert (summary["seed"], summary["violations"], summary["resends"]) == ("1", 0, 0)
    assert sum(summary["rounds"].values()) == 100
    assert summary["messages"] > 200
    shown = [the_round["roundId"] for the_round in httpx.get(f"{url}/rounds").json()["rounds"]]
    assert sorted(shown) == [str(number) for number in range(1010, 1110)]


@pytest.mark.parametrize(
    ("path", "changed", "words"),
    [
        ("rounds", {"userId": ""}, "userId"),
        ("rounds", {"userId": "u" * 33}, "userId"),
        ("rounds", {"userId": "u\n1"}, "userId"),
        ("rounds", {"currency": "$"}, "currency"),
        ("rounds", {"amount": "-1"}, "amount: negative"),
        ("rounds", {"amount": "1e99"}, "amount: more than 14 digits"),
        ("rounds", {"amount": None}, "amount: not a decimal number"),
        ("rounds", {"gameId": "none"}, "gameId must be one of vs20lucky"),
        ("play", {"rounds": 0}, "rounds must be"),
        ("play", {"rounds": "many"}, "rounds must be"),
        ("play", {"rounds": 100_001}, "no room for 100001 more"),
    ],
)
def test_what_cannot_be_meant_is_refused(wallet, new_sandbox, path, changed, words):
    url = f"{new_sandbox().url}/sandbox/{path}"
    answer = httpx.post(url, json=SEAT | {"amount": "1", "rounds": 1} | changed)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert httpx.post(url, content=b"{").json() == {"error": "send a form or a JSON object"}
    assert wallet.order() == []


def test_another_site_s_page_is_refused(wallet, new_sandbox):
    url = f"{new_sandbox().url}/sandbox/rounds"
    body = SEAT | {"amount": "1"}
    assert httpx.post(url, data=body, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert wallet.order() == []
    assert httpx.post(url, data=body, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_misbehaviour_is_changed_while_it_runs(wallet, new_sandbox):
    running = new_sandbox()
    url = f"{running.url}/sandbox/misbehaviour"
    assert set(httpx.get(url).json().values()) == {0, 0.5}
    assert httpx.put(url, json={"duplicates": 1}).json()["duplicates"] == 1
    running.open_round()
    assert wallet.order() == ["Bet", "Bet"]
    for wrong in ({"duplicates": 2}, {"duplicates": "1"}, {"duplicates": True}, {"nothing": 1}, [1]):
        answer = httpx.put(url, json=wrong)
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(
            ("duplicates must be", "send a JSON object with some of lost_requests")
        )
    assert httpx.get(url).json()["duplicates"] == 1


def test_a_restarted_sandbox_goes_on(wallet, new_sandbox, tmp_path):
    """With a bet and a result that got no answer, a refund that is due, one that never comes, and an open round."""
    state = tmp_path / "rounds.json"
    down = {"1000": "Bet", "1001": "Result", "1002": "Refund"}
    wallet.decide = lambda call, body, _n: LOST if down.get(body["roundId"]) in {call, "Bet"} else "0"
    first = new_sandbox(state=state, misbehaviour=Misbehaviour(no_refund=1), pause=0.01)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{first.url}/sandbox/rounds", json=SEAT | {"amount": "1"}, timeout=0.5)
    for _ in range(4):
        first.open_round()
    httpx.post(f"{first.url}/sandbox/rounds/1001/result", json={"amount": "5"}).raise_for_status()
    first.operator.cancel_round("u1", "1003", None)
    httpx.put(f"{first.url}/sandbox/misbehaviour", json={"no_refund": 0}).raise_for_status()
    first.operator.cancel_round("u1", "1002", None)
    eventually(lambda: bool(wallet.calls("Refund")))
    first.stop()
    wallet.got.clear()
    wallet.decide = lambda *_: "0"

    second = new_sandbox(state=state)
    second.await_state("1000", "Cancelled")
    second.await_state("1001", "Completed")
    second.await_state("1002", "Cancelled")
    assert [second.state(round_id) for round_id in ("1003", "1004")] == ["CancelInProcess", "InProgress"]
    assert sorted(wallet.order()) == ["Cancel", "EndRound", "Refund", "Result"]
    assert second.operator.round_status("1001").won == 5
    assert second.open_round() == "1005", "no number is used twice"
    assert not any(path for path in tmp_path.iterdir() if path != state)
