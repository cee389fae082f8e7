"""Refund, outcome by outcome in the order of precedence (rule 14), and rules 1 to 3."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet_service.ledger.outcomes import Outcome


def test_refund_returns_the_stake_and_logs_it(player):
    player.bet("10.00")
    receipt = player.refund("r1", reference="f1", amount="999")
    assert (receipt.outcome, receipt.balance) == (Outcome.APPLIED, Decimal(100))
    row = player.query("SELECT * FROM transactions", "ORDER BY seq")[-1]
    assert (row.id, row.call, row.round_id, row.reference) == (receipt.transaction_id, "refund", "r1", "f1")
    assert (row.amount, row.balance, row.seq) == (Decimal(10), Decimal(100), 2)
    assert row.stated == Decimal(999), "what was sent is kept, and was not trusted"
    assert row.sent == {"a": "refund"}
    [game_round] = player.query("SELECT * FROM rounds")
    assert (game_round.state, game_round.refunded) == ("refunded", Decimal(10))
    assert game_round.refund_id == receipt.transaction_id


def test_refund_returns_every_bet_of_the_round(player):
    player.bet("10", reference="b1")
    player.bet("5.5", reference="b2")
    player.bet("7", reference="b3", bonus_code="FREE")
    player.refund("r1")
    assert player.log()[-1] == ("refund", Decimal("15.5"))


@pytest.mark.parametrize("again", [{}, {"reference": "f2"}, {"reference": "b1"}, {"amount": "5"}, {"currency": None}])
def test_further_refunds_answer_the_first_and_move_nothing(player, again):
    player.bet("10")
    first = player.refund("r1")
    receipt = player.refund("r1", **again)
    assert (receipt.outcome, receipt.transaction_id) == (Outcome.REPLAYED, first.transaction_id)
    assert player.balance() == Decimal(100)
    assert len(player.log()) == 2


def test_refund_of_an_unknown_round_is_remembered_without_money(player):
    first = player.refund("r1")
    assert (first.outcome, first.balance) == (Outcome.APPLIED, Decimal(100))
    assert player.log() == [("refund", Decimal(0))]
    assert player.refund("r1").transaction_id == first.transaction_id
    assert player.bet("10").outcome is Outcome.ROUND_REFUNDED


def test_refund_without_a_round_finds_it_through_the_bets_reference(player):
    player.bet("10", reference="b1")
    player.bet("5", reference="b2")
    receipt = player.refund(None, reference="b2")
    assert (receipt.outcome, receipt.balance) == (Outcome.APPLIED, Decimal(100))
    again = player.refund("r1", reference="f9")
    assert (again.outcome, again.transaction_id) == (Outcome.REPLAYED, receipt.transaction_id)


def test_refund_by_another_bet_of_a_refunded_round_is_a_replay(player):
    player.bet("10", reference="b1")
    player.bet("5", reference="b2")
    first = player.refund(None, reference="b1")
    again = player.refund(None, reference="b2")
    assert (again.outcome, again.transaction_id) == (Outcome.REPLAYED, first.transaction_id)
    assert player.balance() == Decimal(100)


def test_refund_by_an_unknown_reference_is_remembered_by_it(player):
    first = player.refund(None, reference="b1")
    assert (first.outcome, first.balance) == (Outcome.APPLIED, Decimal(100))
    again = player.refund(None, reference="b1")
    assert (again.outcome, again.transaction_id) == (Outcome.REPLAYED, first.transaction_id)
    for _ in range(3):
        assert player.bet("10", reference="b1").outcome is Outcome.ROUND_REFUNDED
    assert player.bet("10", reference="b2").outcome is Outcome.APPLIED, "another bet of the round is not concerned"


def test_a_round_that_only_others_have_is_unknown_here(new_player):
    owner, other = new_player(), new_player()
    owner.bet("10", round_id="shared")
    receipt = other.refund("shared")
    assert (receipt.outcome, receipt.balance) == (Outcome.APPLIED, Decimal(100))
    assert (owner.balance(), other.balance()) == (Decimal(90), Decimal(100))
    assert owner.refund("shared").balance == Decimal(100)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["bet"], Outcome.APPLIED),
        (["bet", "refunded"], Outcome.REPLAYED),
        (["bet", "round in another currency"], Outcome.CURRENCY_MISMATCH),
        (["bet", "refunded", "round in another currency"], Outcome.CURRENCY_MISMATCH),
        (["bet", "refunded", "no wallet"], Outcome.WALLET_UNKNOWN),
        (["no player"], Outcome.PLAYER_UNKNOWN),
    ],
)
def test_outcomes_come_in_the_order_of_precedence(new_player, engine, steps, expected):
    player = new_player()
    currency = "USD"
    if "bet" in steps:
        player.bet("10")
    if "refunded" in steps:
        player.refund("r1")
    if "round in another currency" in steps:
        player.open("EUR", "100")
        currency = "EUR"
    if "no wallet" in steps:
        currency = "GBP"
    if "no player" in steps:
        player = type(player)("nobody", player.ledger, engine)
    assert player.refund("r1", currency=currency).outcome is expected


def test_refund_by_reference_in_another_currency_is_refused(player):
    player.open("EUR", "1")
    player.refund(None, reference="b1", currency="USD")
    assert player.refund(None, reference="b1", currency="EUR").outcome is Outcome.CURRENCY_MISMATCH
    [refusal] = player.query("SELECT call, outcome, currency FROM refusals")
    assert tuple(refusal) == ("refund", "currency_mismatch", "EUR")


def test_without_a_currency_several_wallets_leave_none_meant(player):
    player.open("EUR", "1")
    assert player.refund("r1", currency=None).outcome is Outcome.WALLET_UNKNOWN


amounts = st.decimals(0, Decimal(99999999999999), places=18)


@given(stakes=st.lists(amounts, max_size=4), refunds=st.integers(1, 3))
def test_a_refund_undoes_its_bets_to_the_last_digit(new_player, stakes, refunds):
    with localcontext(prec=50):  # Python's own sums would round to 28 digits
        opening = sum(stakes, Decimal(0))
    player = new_player(str(opening))
    for number, stake in enumerate(stakes):
        assert player.bet(str(stake), reference=f"b{number}").outcome is Outcome.APPLIED
    for _ in range(refunds):
        player.refund("r1")
    assert player.balance() == opening
    with localcontext(prec=50):
        assert sum(amount for _, amount in player.log()) == 0
