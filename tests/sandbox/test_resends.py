"""How often a message is sent again (contract, section 4), seen from a wallet that loses answers and counts."""

import httpx
import pytest

from tests.sandbox.conftest import LOST, VERSIONS


def settle(running, round_id):
    return httpx.post(f"{running.url}/sandbox/rounds/{round_id}/result", json={"amount": "5"}).json()["state"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", [LOST, "998", "56"])
def test_a_bet_is_sent_three_times_and_then_cancelled_until_that_is_answered(wallet, new_sandbox, version, code):
    wallet.decide = lambda call, _body, n: code if call == "Bet" else [LOST, LOST, LOST, "998", LOST, "0"][n - 1]
    running = new_sandbox(version)
    round_id = running.open_round()
    assert wallet.order() == ["Bet"] * 3 + ["Cancel"] * 6
    assert len({body["reference"] for body in wallet.calls()}) == 1, "the cancel has the bet's reference"
    assert running.state(round_id) == "Cancelled"
    assert running.operator.round_status(round_id).staked == 0


def test_a_cancel_that_is_refused_three_times_is_given_up(wallet, new_sandbox):
    wallet.decide = lambda *_: "62"
    running = new_sandbox()
    assert running.state(running.open_round()) == "Cancelled"
    assert wallet.order() == ["Bet"] * 3 + ["Cancel"] * 3


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", ["15", "999"])
def test_what_is_refused_for_good_is_not_sent_again(wallet, new_sandbox, version, code):
    wallet.decide = lambda *_: code
    running = new_sandbox(version)
    assert running.state(running.open_round()) == "Cancelled"
    assert wallet.order() == ["Bet"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("code", [LOST, "998"])
def test_a_result_is_sent_ten_times(wallet, new_sandbox, version, code):
    wallet.decide = lambda call, _body, _n: code if call == "Result" else "0"
    running = new_sandbox(version)
    round_id = running.open_round()
    assert settle(running, round_id) == "CompleteInProcess"
    assert wallet.order() == ["Bet"] + ["Result"] * 10
    assert running.operator.round_status(round_id).won == 0


def test_a_result_refused_for_good_is_sent_once(wallet, new_sandbox):
    wallet.decide = lambda call, _body, _n: "999" if call == "Result" else "0"
    running = new_sandbox()
    assert settle(running, running.open_round()) == "CompleteInProcess"
    assert wallet.order() == ["Bet", "Result"]


def test_an_end_of_round_is_sent_three_times(wallet, new_sandbox):
    wallet.decide = lambda call, _body, _n: "997" if call == "EndRound" else "0"
    running = new_sandbox()
    round_id = running.open_round()
    assert settle(running, round_id) == "CompleteInProcess"
    assert wallet.order() == ["Bet", "Result"] + ["EndRound"] * 3
    assert running.operator.round_status(round_id).won == 5


def test_a_lost_answer_is_found_by_the_resend(wallet, new_sandbox):
    wallet.decide = lambda _call, _body, n: LOST if n == 1 else "0"
    running = new_sandbox()
    round_id = running.open_round()
    assert settle(running, round_id) == "Completed"
    assert wallet.order() == ["Bet"] * 2 + ["Result"] * 2 + ["EndRound"] * 2
    status = running.operator.round_status(round_id)
    assert (status.staked, status.won) == (2.5, 5)
    assert running.sandbox.journal.resends == 3
