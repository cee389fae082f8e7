"""Playing: a seed repeats its choices, messages are as in the contract, and a wallet that does wrong is caught."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.conftest import KEYS, VERSIONS, eventually
from wallet_service.sandbox import Misbehaviour
from wallet_service.versions.v4 import schemas as v4
from wallet_service.versions.v4_02 import schemas as v4_02

EVERYTHING = Misbehaviour(0.1, 0.1, 0.2, 0.1, 0.3, 0.2, longest_delay=0.002)


def story(wallet):
    """Return what the wallet got of each round, without what is new each time, in order where one thread sent it."""
    rounds = defaultdict(list)
    for call, body, _ in wallet.got:
        told = {name: body.get(name) for name in ("reference", "amount", "gameId", "bonusCode", "promoWinAmount")}
        wrong = body.get("hash") == "0" * 32
        rounds[body["roundId"]].append((call, wrong, *told.values()))
    return rounds


@pytest.mark.parametrize("version", VERSIONS)
def test_a_seed_repeats_its_choices_whatever_the_threads(wallet, new_sandbox, version):
    first = new_sandbox(version, misbehaviour=EVERYTHING, threads=1)
    summary = first.sandbox.play("u1", "USD", 60)
    told = story(wallet)
    wallet.got.clear()
    second = new_sandbox(version, misbehaviour=EVERYTHING, threads=8)
    assert second.sandbox.play("u1", "USD", 60) == summary
    assert story(wallet) == told
    assert summary.violations == 0
    assert sum(summary.rounds.values()) == 60
    wallet.got.clear()
    new_sandbox(version, misbehaviour=EVERYTHING, seed="2").sandbox.play("u1", "USD", 60)
    assert story(wallet) != told


SCHEMAS = {
    "v4": {name.removesuffix("Schema"): getattr(v4, name)() for name in v4.__all__},
    "v4.02": {name.removesuffix("Schema"): getattr(v4_02, name)() for name in v4_02.__all__},
}


@pytest.mark.parametrize("version", VERSIONS)
def test_messages_have_the_contract_s_fields_and_no_others(wallet, new_sandbox, version):
    running = new_sandbox(version)
    summary = running.sandbox.play("u1", "USD", 150)
    for message in summary.rounds:
        assert message in {"Completed", "Cancelled", "InProgress"}
    running.operator.cancel_round("u1", running.open_round(), "vs20lucky")
    eventually(lambda: bool(wallet.calls("Refund")))
    assert set(wallet.order()) == {"Bet", "Result", "EndRound", "Cancel", "PromoWin", "Refund"}
    for call, body, path in wallet.got:
        schema = SCHEMAS[version][call]
        schema.load_values({name: value for name, value in body.items() if name != "hash"})
        assert schema.unknown_names(set(body) - {"hash"}) == set()
        assert ("hash" in body) == (version == "v4")
        query = parse_qs(urlsplit(path).query)
        named = {"MEMB_ID": [KEYS.partner_id], "HASH": [KEYS.token]}
        assert query == (named if version == "v4" else {"authToken": [KEYS.token]})
    uuids = [body["uuid"] for body in wallet.calls() if "uuid" in body]
    assert len(set(uuids)) == len(uuids)
    assert any("bonusCode" in body for body in wallet.calls("Bet"))
    assert any("promoWinAmount" in body for body in wallet.calls("Result"))
    assert not any(key in str(running.messages) for key in (KEYS.token, KEYS.hash_secret))


def test_free_rounds_cost_nothing(wallet, new_sandbox):
    running = new_sandbox()
    running.sandbox.play("u1", "USD", 100)
    free = {body["roundId"] for body in wallet.calls("Bet") if "bonusCode" in body}
    for round_id in free:
        assert running.operator.round_status(round_id).staked == 0
    staked = {body["roundId"] for body in wallet.calls("Bet")} - free - {b["roundId"] for b in wallet.calls("Cancel")}
    assert all(running.operator.round_status(round_id).staked > 0 for round_id in staked)


def test_a_duplicate_that_gets_another_transaction_is_a_violation(wallet, new_sandbox):
    wallet.transaction = lambda call, body, n: f"{call} {body.get('reference')} {n if call == 'Bet' else ''}"
    running = new_sandbox(misbehaviour=Misbehaviour(duplicates=1))
    running.open_round()
    assert running.sandbox.journal.violations == 1
    [told] = running.sandbox.journal.violation_texts
    assert told.startswith("Bet in round 1000 of u1: answered with transaction Bet b1000-1 ")


def test_a_resend_that_gets_another_transaction_is_a_violation(wallet, new_sandbox):
    wallet.transaction = lambda call, _body, n: f"{call} {n}"
    running = new_sandbox(misbehaviour=Misbehaviour(lost_answers=0.7))
    for _ in range(5):
        running.open_round()
    assert len(wallet.calls("Bet")) > 5
    assert running.sandbox.journal.violations > 0


def test_a_bet_that_is_taken_after_its_cancel_is_a_violation(wallet, new_sandbox):
    wallet.decide = lambda call, body, _n: (
        "998" if call == "Bet" and not wallet.seen["Cancel", body["roundId"]] else "0"
    )
    running = new_sandbox(misbehaviour=Misbehaviour(reordering=1))
    running.open_round()
    assert "Bet" in wallet.order()[wallet.order().index("Cancel") :], "a copy came late"
    assert running.sandbox.journal.violations == 1
    assert "taken after it was cancelled" in running.sandbox.journal.violation_texts[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_hash_must_be_answered_54(wallet, new_sandbox, version):
    running = new_sandbox(version, misbehaviour=Misbehaviour(wrong_hash=1))
    running.open_round()
    assert running.sandbox.journal.violations == 0
    wallet.deaf = True
    running.open_round()
    assert running.sandbox.journal.violations == 1
    assert "a wrong hash was answered 0, not 54" in running.sandbox.journal.violation_texts[0]


def test_a_copy_arrives_after_the_refund(wallet, new_sandbox):
    running = new_sandbox(misbehaviour=Misbehaviour(reordering=1))
    round_id = running.open_round()
    running.operator.cancel_round("u1", round_id, None)
    eventually(lambda: len(wallet.order()) == 4)
    assert wallet.order()[:2] == ["Bet", "Refund"]
    assert sorted(wallet.order()[2:]) == ["Bet", "Refund"]


def test_a_refund_waits_for_the_message_that_is_on_its_way(wallet, new_sandbox):
    """Else a bet that is still being resent could be taken after the refund, and its answer be misread."""
    asked, go_on = Event(), Event()

    def decide(call, _body, _n):
        if call == "Bet":
            asked.set()
            assert go_on.wait(30)
        return "0"

    wallet.decide = decide
    running = new_sandbox()
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(running.open_round)
        assert asked.wait(30)
        running.operator.cancel_round("u1", "1000", None)
        go_on.set()
        assert opening.result() == "1000"
    running.await_state("1000", "Cancelled")
    assert wallet.order() == ["Bet", "Refund"]
    assert running.operator.round_status("1000").staked == Decimal("2.50")


@pytest.mark.parametrize("wrong", [{"duplicates": 1.1}, {"delays": -0.1}, {"lost_answers": "x"}, {"longest_delay": 61}])
def test_a_probability_is_from_0_to_1(wrong):
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} must be a number from 0 to "):
        Misbehaviour(**wrong)
