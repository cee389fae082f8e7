"""The rules of the wallet (contract, section 7), each by what it promises."""

from decimal import Decimal
from typing import Any

import pytest
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from wallet_service.ledger.outcomes import Outcome

D = Decimal


def moved(player):
    """Return the log without its bets of the set-up."""
    return [(call, amount) for call, amount in player.log() if call != "bet"]


# Rule 1, 2


def test_refund_90_days_later_returns_the_stake(player, owner):
    player.bet("10")
    with owner.connect() as connection:
        connection.execute(
            text("UPDATE rounds SET opened_at = now() - interval '90 days' WHERE user_id = :u"), {"u": player.user_id}
        )
    assert player.refund("r1").balance == D(100)


def test_refund_returns_only_what_is_not_cancelled(player):
    player.bet("10", reference="b1")
    player.bet("5", reference="b2")
    player.cancel("b1")
    assert player.refund("r1").balance == D(100)
    assert moved(player) == [("cancel", D(10)), ("refund", D(5))]


def test_refund_of_a_free_round_returns_no_cash(player):
    player.bet("10", bonus_code="FREE")
    assert player.refund("r1").outcome is Outcome.APPLIED
    assert moved(player) == [("refund", D(0))]


# Rule 4


@pytest.mark.parametrize("win", ["25", "0"])
def test_refund_of_a_settled_round_is_refused_and_waits_for_ops(player, win):
    player.bet("10")
    player.result(win)
    for _ in range(3):
        assert player.refund("r1").outcome is Outcome.ROUND_SETTLED
    assert player.reviews() == [("r1", "refund_of_settled_round", "", None)]
    assert player.balance() == D(90) + D(win)


def test_refund_of_an_ended_round_is_refused_and_waits_for_ops(player):
    player.bet("10")
    player.end_round()
    assert player.refund("r1").outcome is Outcome.ROUND_SETTLED
    assert player.refund(None, reference="b1").outcome is Outcome.ROUND_SETTLED
    assert player.reviews() == [("r1", "refund_of_settled_round", "", None)]


def test_reversing_takes_the_wins_back(player):
    player.bet("10")
    player.result("25", reference="w1")
    player.result("5", reference="w2")
    receipt = player.reversing().refund("r1")
    assert (receipt.outcome, receipt.balance) == (Outcome.APPLIED, D(100))
    assert player.log()[-2:] == [("refund", D(10)), ("reversal", D(-30))]
    [row] = player.query("SELECT state, refunded, reversed FROM rounds")
    assert tuple(row) == ("refunded", D(10), D(30))
    again = player.refund("r1", reference="f2")
    assert (again.outcome, again.transaction_id) == (Outcome.REPLAYED, receipt.transaction_id)


def test_reversing_a_loss_returns_the_stake_alone(player):
    player.bet("10")
    player.result("0")
    player.reversing().refund("r1")
    assert moved(player) == [("result", D(0)), ("refund", D(10))]


def test_reversing_never_goes_negative(player):
    player.bet("10")
    player.result("50")
    player.bet("110", round_id="r2", reference="b2")
    assert player.balance() == D(30)
    for _ in range(2):
        assert player.reversing().refund("r1").outcome is Outcome.REVERSAL_NOT_COVERED
    assert player.reviews() == [("r1", "reversal_not_covered", "", None)]
    assert player.balance() == D(30)
    player.transfer("deposit", "10")
    assert player.reversing().refund("r1").balance == D(0), "stake and wins together are covered now"


# Rule 5


def test_after_a_refund_bets_and_results_are_refused_and_cancel_and_end_succeed_without_money(player):
    player.bet("10", reference="b1")
    player.refund("r1")
    for _ in range(3):
        assert player.bet("10", reference="b2").outcome is Outcome.ROUND_REFUNDED
    assert player.bet("10", reference="b1").outcome is Outcome.ROUND_REFUNDED, "resent"
    assert player.result("5").outcome is Outcome.ROUND_REFUNDED
    cancelled = player.cancel("b1")
    assert (cancelled.outcome, cancelled.balance) == (Outcome.APPLIED, D(100))
    assert player.cancel("b1").transaction_id == cancelled.transaction_id
    assert player.cancel("b7").outcome is Outcome.APPLIED
    assert player.end_round().outcome is Outcome.REPLAYED
    assert player.balance() == D(100)
    assert player.reviews() == []


# Rule 6


def test_cancel_returns_the_one_bet(player):
    player.bet("10", reference="b1")
    player.bet("5", reference="b2")
    receipt = player.cancel("b1")
    assert (receipt.outcome, receipt.balance) == (Outcome.APPLIED, D(95))
    [row] = player.query("SELECT state, bets, bets_cancelled, cancelled FROM rounds")
    assert tuple(row) == ("open", 2, 1, D(10))
    assert player.reviews() == []


def test_cancel_again_answers_the_first_and_moves_nothing(player):
    player.bet("10")
    first = player.cancel("b1")
    again = player.cancel("b1")
    assert (again.outcome, again.transaction_id) == (Outcome.REPLAYED, first.transaction_id)
    assert player.balance() == D(100)
    assert player.cancel("b1", round_id="r2").outcome is Outcome.REFERENCE_REUSED


def test_cancel_of_a_free_round_returns_no_cash(player):
    player.bet("10", bonus_code="FREE")
    assert player.cancel("b1").balance == D(100)


def test_bet_sent_again_after_its_cancel_is_refused(player):
    player.bet("10")
    player.cancel("b1")
    for _ in range(3):
        assert player.bet("10").outcome is Outcome.BET_CANCELLED
    assert player.balance() == D(100)


def test_cancel_of_an_unknown_bet_is_remembered_and_the_late_bet_refused(player):
    first = player.cancel("b1")
    assert (first.outcome, first.balance) == (Outcome.APPLIED, D(100))
    assert player.cancel("b1").transaction_id == first.transaction_id
    for _ in range(3):
        assert player.bet("10").outcome is Outcome.BET_CANCELLED
    assert player.reviews() == [], "no bet stands in the round"
    assert moved(player) == [("cancel", D(0))]


def test_cancel_whose_reference_matches_no_bet_returns_nothing_although_another_stands_in_the_round(player):
    player.bet("10", reference="b1")
    receipt = player.cancel("b2")
    assert (receipt.outcome, receipt.balance) == (Outcome.APPLIED, D(90))
    assert player.reviews() == [("r1", "unmatched_cancel", "b2", None)]


def test_cancel_of_a_bet_in_another_round_waits_for_ops(player):
    player.bet("10", round_id="r1")
    for _ in range(2):
        assert player.cancel("b1", round_id="r2").outcome is Outcome.BET_IN_ANOTHER_ROUND
    assert player.reviews() == [("r1", "cancel_in_another_round", "b1", None)]
    assert player.balance() == D(90)


@pytest.mark.parametrize("settle", ["result", "end"])
def test_last_bet_of_a_settled_round_cannot_be_cancelled(player, settle):
    player.bet("10", reference="b1")
    player.bet("5", reference="b2")
    if settle == "result":
        player.result("0")
    else:
        player.end_round()
    assert player.cancel("b1").outcome is Outcome.APPLIED
    assert player.cancel("b2").outcome is Outcome.LAST_BET_OF_SETTLED_ROUND
    assert player.reviews() == [("r1", "cancel_in_settled_round", "b2", None)]
    assert player.balance() == D(95)


def test_cancel_of_an_unknown_bet_in_a_settled_round_is_remembered(player):
    player.bet("10", reference="b1")
    player.result("0")
    assert player.cancel("b2").outcome is Outcome.APPLIED
    assert player.reviews() == [("r1", "unmatched_cancel", "b2", None)]


def test_unmatched_cancel_beside_cancelled_bets_waits_for_nobody(player):
    player.bet("10", reference="b1")
    player.cancel("b1")
    player.cancel("b2")
    assert player.reviews() == []


def test_cancel_of_an_unknown_bet_belongs_to_its_round(player):
    player.cancel("b1", round_id="r1")
    assert player.cancel("b1", round_id="r2").outcome is Outcome.REFERENCE_REUSED


def test_cancel_naming_another_round_than_the_bets_refunded_one_waits_for_nobody(player):
    player.bet("10", round_id="r1")
    player.refund("r1")
    assert player.cancel("b1", round_id="r2").outcome is Outcome.BET_IN_ANOTHER_ROUND
    assert player.reviews() == []


def test_one_reference_may_belong_to_a_bet_its_cancel_and_a_refund(player):
    player.bet("10", reference="x")
    assert player.cancel("x").outcome is Outcome.APPLIED
    assert player.refund("r1", reference="x").outcome is Outcome.APPLIED
    assert moved(player) == [("cancel", D(10)), ("refund", D(0))]


# Rule 7


CALLS = {
    "bet": lambda player, amount="10", **other: player.bet(amount, reference="x", **other),
    "result": lambda player, amount="10", **other: player.result(amount, reference="x", **other),
    "promo_win": lambda player, amount="10", **other: player.win("promo_win", amount, reference="x", **other),
    "bonus_win": lambda player, amount="10", **other: player.win("bonus_win", amount, reference="x", **other),
    "jackpot_win": lambda player, amount="10", **other: player.win(
        "jackpot_win", amount, reference="x", **{"round_id": "r1", **other}
    ),
    "deposit": lambda player, amount="10", **other: player.transfer("deposit", amount, reference="x", **other),
    "withdrawal": lambda player, amount="10", **other: player.transfer("withdrawal", amount, reference="x", **other),
}


@pytest.mark.parametrize("call", CALLS)
def test_replayed_ten_times_it_answers_the_first_transaction_and_the_current_balance(player, call):
    player.bet("1")
    first = CALLS[call](player)
    assert first.outcome is Outcome.APPLIED
    player.bet("1", round_id="r2", reference="b2")
    balance = player.balance()
    for _ in range(10):
        again = CALLS[call](player)
        assert (again.outcome, again.transaction_id, again.balance) == (
            Outcome.REPLAYED,
            first.transaction_id,
            balance,
        )
    assert player.balance() == balance


@pytest.mark.parametrize(
    ("call", "other"),
    [
        *((call, {"amount": "11"}) for call in CALLS),
        *((call, {"currency": "EUR"}) for call in CALLS),
        *((call, {"round_id": "r2"}) for call in ("bet", "result", "jackpot_win")),
    ],
)
def test_one_reference_with_another_amount_round_or_currency_is_refused_for_good(player, call, other):
    player.open("EUR", "100")
    player.bet("1")
    player.bet("1", round_id="r2", reference="b2")
    first = CALLS[call](player)
    log = player.log()
    for _ in range(2):
        assert CALLS[call](player, **other).outcome is Outcome.REFERENCE_REUSED
    assert player.log() == log
    assert CALLS[call](player).transaction_id == first.transaction_id, "the first one stands"


def test_one_reference_belongs_to_each_player_apart(new_player):
    first, second = new_player(), new_player()
    for call in ("bet", "result", "promo_win", "deposit"):
        ids = {CALLS[call](player).transaction_id for player in (first, second)}
        assert len(ids - {None}) == 2, call


# Rule 8


def test_frozen_player_neither_bets_nor_checks_and_gets_all_that_is_his(player):
    player.bet("10", round_id="r1", reference="b1")
    player.bet("10", round_id="r2", reference="b2")
    player.bet("10", round_id="r3", reference="b3")
    assert player.freeze().outcome is Outcome.APPLIED
    assert player.freeze().outcome is Outcome.REPLAYED
    assert player.bet("1", round_id="r4", reference="b4").outcome is Outcome.PLAYER_FROZEN
    assert player.check().outcome is Outcome.PLAYER_FROZEN
    assert player.bet("10", round_id="r1", reference="b1").outcome is Outcome.REPLAYED, "a replay moves nothing"
    assert player.refund("r1").outcome is Outcome.APPLIED
    assert player.cancel("b2", round_id="r2").outcome is Outcome.APPLIED
    assert player.result("30", round_id="r3").outcome is Outcome.APPLIED
    for kind in ("promo_win", "bonus_win", "jackpot_win"):
        assert player.win(kind, "1").outcome is Outcome.APPLIED
    assert player.end_round("r3").outcome is Outcome.APPLIED
    assert player.balance() == D(123)
    assert player.unfreeze().outcome is Outcome.APPLIED
    assert player.bet("1", round_id="r4", reference="b4").outcome is Outcome.APPLIED
    kinds = [row.kind for row in player.query("SELECT kind FROM actions", "ORDER BY at")]
    assert kinds == ["freeze", "unfreeze"]


# Rule 9


def test_result_without_a_bet_waits_for_it_and_its_payment_closes_the_review(player):
    for _ in range(3):
        assert player.result("25").outcome is Outcome.ROUND_WITHOUT_BET
    assert player.reviews() == [("r1", "result_without_bet", "w1", None)]
    player.bet("10")
    assert player.result("25").balance == D(115)
    assert player.reviews() == [("r1", "result_without_bet", "w1", "paid")]


def test_payment_of_one_result_does_not_close_the_review_of_another(player):
    assert player.result("5", reference="w1").outcome is Outcome.ROUND_WITHOUT_BET
    player.result("7", reference="w2", bonus_code="FREE")
    player.bet("10")
    player.result("0", reference="w3")
    assert player.reviews() == [("r1", "result_without_bet", "w1", None)]
    player.result("5", reference="w1")
    assert player.reviews() == [("r1", "result_without_bet", "w1", "paid")]


def test_payment_does_not_undo_a_decision(player):
    player.result("5")
    player.decide("leave", "result_without_bet", "w1")
    player.bet("10")
    assert player.result("5").outcome is Outcome.APPLIED
    assert player.reviews() == [("r1", "result_without_bet", "w1", "left")]


def test_result_of_a_free_round_is_paid_without_a_bet(player):
    assert player.result("25", bonus_code="FREE").balance == D(125)
    assert player.state() == "settled"


def test_result_of_a_round_whose_bets_were_all_cancelled_is_refused(player):
    player.bet("10")
    player.cancel("b1")
    assert player.result("25").outcome is Outcome.BETS_CANCELLED
    assert player.result("25", bonus_code="FREE").outcome is Outcome.BETS_CANCELLED


def test_result_beside_a_cancelled_bet_is_paid(player):
    player.bet("10", reference="b1")
    player.bet("5", reference="b2")
    player.cancel("b1")
    assert player.result("25").balance == D(120)


# Rule 10


def test_end_round_twice_for_a_refunded_and_for_an_unknown_round(player):
    player.bet("10")
    assert player.end_round().outcome is Outcome.APPLIED
    again = player.end_round()
    assert (again.outcome, again.currency, again.balance) == (Outcome.REPLAYED, "USD", D(90))
    player.bet("10", round_id="r2", reference="b2")
    player.refund("r2")
    assert player.end_round("r2").outcome is Outcome.REPLAYED
    assert player.state("r2") == "refunded"
    assert player.end_round("r3").outcome is Outcome.REPLAYED
    assert player.bet("1", round_id="r3", reference="b3").outcome is Outcome.APPLIED, "nothing was remembered"


def test_end_round_of_a_cancelled_round(player):
    player.bet("10")
    player.cancel("b1")
    assert player.end_round().outcome is Outcome.APPLIED


def test_until_the_end_bets_and_results_are_taken_and_after_it_results_alone(player):
    player.bet("10", reference="b1")
    assert player.result("5", reference="w1").outcome is Outcome.APPLIED
    assert player.bet("10", reference="b2").outcome is Outcome.APPLIED
    assert player.result("5", reference="w2").outcome is Outcome.APPLIED
    player.end_round()
    assert player.bet("10", reference="b3").outcome is Outcome.ROUND_ENDED
    assert player.bet("10", reference="b2").outcome is Outcome.REPLAYED
    assert player.result("5", reference="w3").balance == D(95), "an Auto-Closing, a day later"
    assert player.state() == "ended"


# Rule 11


def test_bet_beyond_the_balance_changes_nothing_and_its_cancel_returns_nothing(player):
    assert player.bet("100.01").outcome is Outcome.INSUFFICIENT_BALANCE
    receipt = player.cancel("b1")
    assert (receipt.outcome, receipt.balance) == (Outcome.APPLIED, D(100))
    assert player.bet("1").outcome is Outcome.BET_CANCELLED
    assert player.reviews() == []


# Rule 12


def test_zero_amounts_are_recorded(player):
    player.bet("0")
    player.result("0")
    player.win("promo_win", "0")
    assert player.log() == [("bet", D(0)), ("result", D(0)), ("promo_win", D(0))]


# Rule 13


def test_promo_win_of_a_result_is_paid_on_top_once(player):
    player.bet("10")
    receipt = player.result("5", promo=("50", "p1"))
    assert receipt.balance == D(145)
    assert player.log() == [("bet", D(-10)), ("result", D(5)), ("promo_win", D(50))]
    assert player.result("5", promo=("50", "p1")).transaction_id == receipt.transaction_id
    assert player.win("promo_win", "50", reference="p1").outcome is Outcome.REPLAYED, "the same promo win, told again"
    assert player.result("1", reference="w2", promo=("50", "p1")).balance == D(146)


def test_a_result_told_again_with_a_promo_win_that_is_new_pays_that(player):
    player.bet("10")
    first = player.result("5")
    again = player.result("5", promo=("50", "p1"))
    assert (again.outcome, again.transaction_id, again.balance) == (Outcome.REPLAYED, first.transaction_id, D(145))
    assert player.result("5", promo=("50", "p1")).balance == D(145)
    [_, _, promo] = player.query("SELECT call, round_id FROM transactions", "ORDER BY seq")
    assert tuple(promo) == ("promo_win", "r1"), "it is in the round's story"


def test_a_promo_reference_with_another_amount_is_not_paid_and_is_remembered(player):
    player.bet("10")
    player.win("promo_win", "50", reference="p1")
    assert player.result("5", promo=("60", "p1")).balance == D(145)
    [row] = player.query("SELECT call, reference, outcome FROM refusals")
    assert tuple(row) == ("promo_win", "p1", "reference_reused")


def test_a_win_in_another_currency_than_its_round_is_paid(player):
    player.open("EUR", "50")
    player.bet("10")
    assert player.win("jackpot_win", "5", round_id="r1", currency="EUR").balance == D(55)


def test_bonus_win_counts_its_own_currency_and_not_what_was_taken_back(player):
    player.open("EUR", "50")
    player.result("30", bonus_code="FREE", reference="w1", round_id="r1")
    player.result("20", bonus_code="FREE", reference="w2", round_id="r2", currency="EUR")
    player.reversing().refund("r1")
    assert player.win("bonus_win", "70", bonus_code="FREE").balance == D(170)


def test_a_round_refunded_later_keeps_its_promo_win(player):
    player.bet("10")
    player.result("5", promo=("50", "p1"))
    assert player.reversing().refund("r1").balance == D(150)


def test_bonus_win_pays_what_the_results_of_its_code_have_not(player):
    player.bet("1", bonus_code="FREE", reference="b1")
    player.result("30", bonus_code="FREE", reference="w1")
    player.result("7", round_id="r2", bonus_code="OTHER", reference="w2")
    assert player.win("bonus_win", "100", bonus_code="FREE").balance == D(207)
    assert player.log()[-1] == ("bonus_win", D(70))


def test_bonus_win_never_takes_money(player):
    player.result("30", bonus_code="FREE")
    assert player.win("bonus_win", "20", bonus_code="FREE").balance == D(130)
    assert player.log()[-1] == ("bonus_win", D(0))


def test_one_bonus_is_not_paid_twice_under_two_references(player):
    player.win("bonus_win", "20", bonus_code="FREE", reference="p1")
    assert player.win("bonus_win", "50", bonus_code="FREE", reference="p2").balance == D(150)


def test_bonus_win_without_a_code_is_paid_whole(player):
    player.result("30", bonus_code="FREE")
    assert player.win("bonus_win", "20").balance == D(150)


def test_jackpot_win_is_paid_whatever_became_of_its_round(player):
    player.bet("10")
    player.refund("r1")
    assert player.win("jackpot_win", "1000", round_id="r1").balance == D(1100)
    assert player.win("jackpot_win", "1", round_id="unknown", reference="p2").balance == D(1101)


# Rule 14


@pytest.mark.parametrize("call", [*CALLS, "cancel", "end_round", "check"])
def test_player_then_wallet_come_first(new_player, call):
    player = new_player()
    nobody = type(player)("nobody", player.ledger, player.engine)
    make: Any = {
        **CALLS,
        "cancel": lambda p, **other: p.cancel(**other),
        "end_round": lambda p, **other: p.end_round(**other),
        "check": lambda p, **other: p.check(**other),
    }[call]
    player.bet("1")
    assert make(nobody, currency="GBP").outcome is Outcome.PLAYER_UNKNOWN
    assert make(player, currency="GBP").outcome is Outcome.WALLET_UNKNOWN


@pytest.mark.parametrize("call", ["bet", "result", "cancel", "end_round", "refund"])
def test_the_rounds_currency_comes_before_its_state(player, call):
    player.open("EUR", "100")
    player.bet("10", reference="b0")
    player.refund("r1")
    make = {
        "bet": lambda: player.bet("1", currency="EUR"),
        "result": lambda: player.result("1", currency="EUR"),
        "cancel": lambda: player.cancel("b9", currency="EUR"),
        "end_round": lambda: player.end_round(currency="EUR"),
        "refund": lambda: player.refund("r1", currency="EUR"),
    }[call]
    assert make().outcome is Outcome.CURRENCY_MISMATCH
    [refusal] = player.query("SELECT call, outcome FROM refusals")
    assert tuple(refusal) == (call, "currency_mismatch")


# Rule 15


def test_refusals_are_remembered_once_per_call_reference_and_outcome(player):
    player.result("5", reference="w1")
    player.result("5", reference="w1")
    player.result("5", reference="w2")
    player.end_round(currency="GBP")
    rows = player.query("SELECT call, reference, outcome, times FROM refusals", "ORDER BY call, reference")
    assert [tuple(row) for row in rows] == [
        ("end_round", "r1", "wallet_unknown", 1),
        ("result", "w1", "round_without_bet", 2),
        ("result", "w2", "round_without_bet", 1),
    ]


def test_a_refusal_keeps_what_was_sent_last(player):
    player.bet("101", round_id="r1")
    player.bet("102", round_id="r2")
    [row] = player.query("SELECT round_id, stated, times FROM refusals")
    assert tuple(row) == ("r2", D(102), 2)


# Money of the operator's own platform


def test_deposits_and_withdrawals_move_money_and_never_below_zero(player):
    assert player.transfer("deposit", "50", reference="t1").balance == D(150)
    assert player.transfer("withdrawal", "150", reference="t1").balance == D(0), "a reference belongs to its call"
    assert player.transfer("withdrawal", "0.01", reference="t2").outcome is Outcome.INSUFFICIENT_BALANCE
    assert player.log() == [("deposit", D(50)), ("withdrawal", D(-150))]


# The review queue


def test_a_settled_round_is_refunded_whole_by_decision(player):
    player.bet("10")
    player.result("25")
    player.refund("r1")
    receipt = player.decide("refund", "refund_of_settled_round")
    assert (receipt.outcome, receipt.balance) == (Outcome.APPLIED, D(100))
    assert player.reviews() == [("r1", "refund_of_settled_round", "", "refunded")]
    [decision] = player.query("SELECT * FROM actions")
    assert (decision.kind, decision.by_whom, decision.why) == ("refund", "test", "to see")
    assert decision.transaction_id == receipt.transaction_id
    assert player.refund("r1").transaction_id == receipt.transaction_id, "what LM is told from now on"
    assert player.decide("refund", "refund_of_settled_round").outcome is Outcome.REVIEW_UNKNOWN
    assert player.balance() == D(100)


def test_a_round_is_left_as_it_is_by_decision_and_not_queued_again(player):
    player.bet("10")
    player.result("25")
    player.refund("r1")
    assert player.decide("leave", "refund_of_settled_round").outcome is Outcome.APPLIED
    assert player.refund("r1").outcome is Outcome.ROUND_SETTLED
    assert player.reviews() == [("r1", "refund_of_settled_round", "", "left")]
    assert player.balance() == D(115)


def test_a_refund_by_decision_closes_every_review_of_the_round(player):
    player.bet("10", reference="b1")
    player.cancel("b9")
    player.result("0")
    player.refund("r1")
    assert len(player.reviews()) == 2
    player.decide("refund", "unmatched_cancel", "b9")
    assert [review[3] for review in player.reviews()] == ["refunded", "refunded"]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_refund_that_lucky_monaco_sends_closes_them_too(player, reverse):
    player.bet("10", reference="b1")
    player.cancel("b9")
    player.reversing().refund("r1") if reverse else player.refund("r1")
    assert player.reviews() == [("r1", "unmatched_cancel", "b9", "refunded")]


def test_leaving_one_review_leaves_the_others_open(player):
    player.bet("10", reference="b1")
    player.cancel("b8")
    player.cancel("b9")
    player.decide("leave", "unmatched_cancel", "b8")
    assert [(review[2], review[3]) for review in player.reviews()] == [("b8", "left"), ("b9", None)]


def test_a_round_without_bets_is_refunded_by_decision_for_a_player_with_two_wallets(player):
    player.open("EUR", "50")
    player.result("5")
    assert player.decide("refund", "result_without_bet", "w1").outcome is Outcome.APPLIED
    assert player.result("5").outcome is Outcome.ROUND_REFUNDED


def test_a_decision_returns_the_stake_in_the_rounds_currency_whichever_the_review_was_opened_in(player):
    player.open("EUR", "50")
    assert player.result("5", currency="USD").outcome is Outcome.ROUND_WITHOUT_BET
    player.bet("10", currency="EUR")
    receipt = player.decide("refund", "result_without_bet", "w1")
    assert (receipt.outcome, receipt.currency, receipt.balance) == (Outcome.APPLIED, "EUR", D(50))
    assert player.balance("USD") == D(100)


def test_a_decision_that_cannot_be_covered_changes_nothing(player):
    player.bet("10")
    player.result("50")
    player.refund("r1")
    player.transfer("withdrawal", "140")
    assert player.decide("refund", "refund_of_settled_round").outcome is Outcome.REVERSAL_NOT_COVERED
    assert player.query("SELECT * FROM actions") == []
    assert [review[3] for review in player.reviews()] == [None]
    assert [row.outcome for row in player.query("SELECT outcome FROM refusals")] == ["round_settled"], "LM's alone"


def test_a_decision_needs_who_and_why_and_stays_for_ever(player, owner):
    player.bet("10")
    player.end_round()
    player.refund("r1")
    player.decide("leave", "refund_of_settled_round")
    for statement in ("UPDATE actions SET why = 'other'", "DELETE FROM actions", "TRUNCATE actions"):
        with owner.connect() as connection, pytest.raises(DBAPIError, match="is refused"):
            connection.execute(text(statement))
    insert = """
        INSERT INTO actions (user_id, id, kind, by_whom, why, at)
        VALUES (:u, gen_random_uuid(), 'freeze', 'x', '', now())
    """
    with owner.connect() as connection, pytest.raises(DBAPIError) as error:
        connection.execute(text(insert), {"u": player.user_id})
    assert isinstance(error.value.orig, errors.CheckViolation)


# Money added and taken by hand


def test_an_adjustment_moves_money_once_and_is_an_action(player):
    receipt = player.adjust("credit", "5.50")
    assert (receipt.outcome, receipt.balance) == (Outcome.APPLIED, D("105.5"))
    assert player.adjust("credit", "5.50").outcome is Outcome.REPLAYED
    assert player.adjust("credit", "6").outcome is Outcome.REFERENCE_REUSED
    assert player.adjust("debit", "5.50").outcome is Outcome.REFERENCE_REUSED, "one form, one adjustment"
    assert player.adjust("debit", "100", reference="a2").balance == D("5.5")
    assert player.adjust("debit", "5.51", reference="a3").outcome is Outcome.INSUFFICIENT_BALANCE
    assert player.log() == [("credit", D("5.5")), ("debit", D(-100))]
    first, second = player.query("SELECT * FROM actions", "ORDER BY at")
    assert (first.kind, first.by_whom, first.why) == ("credit", "test", "goodwill")
    assert first.transaction_id == receipt.transaction_id
    assert [D(first.before["balance"]), D(first.after["balance"])] == [D(100), D("105.5")]
    assert [D(second.before["balance"]), D(second.after["balance"])] == [D("105.5"), D("5.5")]


def test_every_action_says_what_it_changed(player):
    player.bet("10")
    player.result("25")
    player.refund("r1")
    player.freeze()
    player.request()
    player.decide("refund", "refund_of_settled_round")
    changes = {row.kind: (row.before, row.after) for row in player.query("SELECT * FROM actions")}
    assert changes["freeze"] == ({"state": "active"}, {"state": "frozen"})
    assert changes["cancel"] == ({"cancellation": None}, {"cancellation": "requested"})
    before, after = changes["refund"]
    assert (before["round"], D(before["balance"])) == ("settled", D(115))
    assert (after["round"], D(after["balance"])) == ("refunded", D(100))
