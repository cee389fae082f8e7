"""Bet, outcome by outcome in the order of precedence (rule 14)."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from wallet_service.ledger.outcomes import Outcome


def test_bet_takes_the_stake_and_logs_it(player):
    receipt = player.bet("10.00")
    assert (receipt.outcome, receipt.currency, receipt.balance) == (Outcome.APPLIED, "USD", Decimal(90))
    [row] = player.query("SELECT * FROM transactions")
    assert (row.id, row.call, row.round_id, row.reference) == (receipt.transaction_id, "bet", "r1", "b1")
    assert (row.amount, row.stated, row.balance, row.seq) == (Decimal(-10), Decimal(10), Decimal(90), 1)
    assert row.sent == {"a": "bet"}
    [game_round] = player.query("SELECT * FROM rounds")
    assert (game_round.staked, game_round.state, game_round.game_id) == (Decimal(10), "open", "g1")


def test_two_bets_of_a_round_add_up(player):
    player.bet("10", reference="b1")
    player.bet("5", reference="b2")
    [game_round] = player.query("SELECT staked FROM rounds")
    assert game_round.staked == Decimal(15)


def test_amounts_are_exact_to_the_last_digit(new_player):
    player = new_player("99999999999999.999999999999999999")
    receipt = player.bet("0.000000000000000001")
    assert receipt.balance == Decimal("99999999999999.999999999999999998")


def test_zero_bet_is_recorded(player):
    assert player.bet("0").outcome is Outcome.APPLIED
    assert player.log() == [("bet", Decimal(0))]


def test_bet_of_a_free_round_costs_nothing(player):
    receipt = player.bet("10", bonus_code="FREE")
    assert (receipt.outcome, receipt.balance) == (Outcome.APPLIED, Decimal(100))
    [row] = player.query("SELECT amount, stated, bonus_code FROM transactions")
    assert (row.amount, row.stated, row.bonus_code) == (Decimal(0), Decimal(10), "FREE")


def test_the_only_wallet_is_meant_where_no_currency_is_named(player):
    assert player.bet("10", currency=None).currency == "USD"
    player.open("EUR", "5")
    assert player.bet("10", reference="b2", currency=None).outcome is Outcome.WALLET_UNKNOWN


# In the order of precedence. Each step makes one refusal possible on top of all the later ones, which stay possible;
# the outcome must be the newest, so each row is seen to win against every row below it.
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], Outcome.APPLIED),
        (["poor"], Outcome.INSUFFICIENT_BALANCE),
        (["poor", "frozen"], Outcome.PLAYER_FROZEN),
        (["poor", "frozen", "first bet"], Outcome.REPLAYED),
        (["poor", "frozen", "first bet of another amount"], Outcome.REFERENCE_REUSED),
        (["poor", "frozen", "first bet in another round"], Outcome.REFERENCE_REUSED),
        (["poor", "frozen", "first free bet"], Outcome.REFERENCE_REUSED),
        (["poor", "frozen", "first bet", "refunded"], Outcome.ROUND_REFUNDED),
        (["poor", "frozen", "reference refunded"], Outcome.ROUND_REFUNDED),
        (["poor", "frozen", "round in EUR"], Outcome.CURRENCY_MISMATCH),
        (["poor", "frozen", "round in EUR", "round in EUR refunded"], Outcome.CURRENCY_MISMATCH),
        (["poor", "frozen", "first bet in EUR"], Outcome.REFERENCE_REUSED),
        (["poor", "frozen", "no wallet"], Outcome.WALLET_UNKNOWN),
        (["no player"], Outcome.PLAYER_UNKNOWN),
    ],
)
def test_outcomes_come_in_the_order_of_precedence(new_player, owner, steps, expected):
    player = new_player()
    currency = "USD"
    prepare = {
        "first bet": lambda: player.bet("60"),
        "first bet of another amount": lambda: player.bet("61"),
        "first bet in another round": lambda: player.bet("60", round_id="r2"),
        "first free bet": lambda: player.bet("60", bonus_code="FREE"),
        "refunded": lambda: player.refund("r1"),
        "reference refunded": lambda: player.refund(None, reference="b1"),
        "round in EUR": lambda: (player.open("EUR", "100"), player.bet("1", reference="b0", currency="EUR")),
        "round in EUR refunded": lambda: player.refund("r1", currency="EUR"),
        "first bet in EUR": lambda: (player.open("EUR", "100"), player.bet("60", currency="EUR")),
    }
    for step in steps:
        if step in prepare:
            prepare[step]()
    if "poor" in steps and player.balance() >= 60:
        player.bet(str(player.balance() - 59), round_id="r9", reference="b9")
    if "frozen" in steps:
        with owner.connect() as connection:
            connection.execute(text("UPDATE players SET state = 'frozen' WHERE user_id = :u"), {"u": player.user_id})
    if "no wallet" in steps:
        currency = "GBP"
    if "no player" in steps:
        player = type(player)("nobody", player.ledger, owner)
    log = player.log()
    receipt = player.bet("60", currency=currency)
    assert receipt.outcome is expected
    if expected is not Outcome.APPLIED:
        assert player.log() == log, "a bet that was not applied moved something"


def test_resent_bet_answers_the_first_transaction_and_the_current_balance(player):
    first = player.bet("10")
    player.bet("5", round_id="r2", reference="b2")
    again = player.bet("10")
    assert (again.outcome, again.transaction_id) == (Outcome.REPLAYED, first.transaction_id)
    assert again.balance == Decimal(85)


def test_bet_after_the_rounds_refund_is_refused_each_time(player):
    player.refund("r1")
    for _ in range(3):
        receipt = player.bet("10")
        assert (receipt.outcome, receipt.balance) == (Outcome.ROUND_REFUNDED, Decimal(100))
    [refusal] = player.query("SELECT * FROM refusals")
    assert (refusal.call, refusal.reference, refusal.outcome, refusal.times) == ("bet", "b1", "round_refunded", 3)
    assert refusal.first_at < refusal.last_at
    assert refusal.sent == {"a": "bet"}


def test_refusals_of_one_reference_are_counted_by_outcome(player):
    player.bet("101")
    player.bet("101")
    player.bet("10", currency="EUR")
    rows = player.query("SELECT outcome, times FROM refusals", "ORDER BY outcome")
    assert [tuple(row) for row in rows] == [("insufficient_balance", 2), ("wallet_unknown", 1)]


def test_unknown_players_leave_nothing_behind(player, engine):
    nobody = type(player)("nobody", player.ledger, engine)
    assert nobody.bet("1").outcome is Outcome.PLAYER_UNKNOWN
    assert nobody.query("SELECT * FROM refusals") == []
    assert nobody.query("SELECT * FROM players") == []


def test_two_players_may_use_one_reference_and_one_round(new_player):
    first, second = new_player(), new_player()
    assert first.bet("1").outcome is Outcome.APPLIED
    assert second.bet("2").outcome is Outcome.APPLIED
    first.refund("r1")
    assert (first.balance(), second.balance()) == (Decimal(100), Decimal(98))
