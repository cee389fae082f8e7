"""Races on real threads and connections. Each thread has its own connection and starts at the same barrier."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import text

from tests.conftest import as_owner
from wallet_service.database import create_group_engine, create_wallet_engine
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.outcomes import Outcome, Receipt

MONEY_BACK = Decimal(100)


@pytest.fixture(params=[False, True], ids=["each by itself", "together"])
def new_player(request, new_player, engine, database_url):
    """Make players whose calls go by themselves, or are applied together where they wait."""
    group_engine = create_group_engine(database_url) if request.param else None
    ledger = Ledger(engine, group_engine=group_engine, calls_together=32)
    yield lambda *wallet: replace(new_player(*wallet), ledger=ledger)
    if group_engine:
        group_engine.dispose()


def race(*calls: Callable[[], Receipt]) -> list[Receipt]:
    """Run every call in a thread of its own, released together, and return their receipts."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Receipt]) -> Receipt:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.parametrize("by", ["round", "reference"])
def test_fifty_equal_refunds_pay_once_and_answer_alike(player, by):
    player.bet("10")
    refund = {"round": lambda: player.refund("r1"), "reference": lambda: player.refund(None, reference="b1")}[by]
    receipts = race(*[refund] * 50)
    assert Counter(receipt.outcome for receipt in receipts) == {Outcome.APPLIED: 1, Outcome.REPLAYED: 49}
    assert len({receipt.transaction_id for receipt in receipts}) == 1
    assert player.balance() == MONEY_BACK
    assert player.log() == [("bet", Decimal(-10)), ("refund", Decimal(10))]


@pytest.mark.parametrize("by", ["round", "reference"])
def test_fifty_equal_refunds_of_nothing_known_are_one(player, by):
    refund = {"round": lambda: player.refund("r1"), "reference": lambda: player.refund(None, reference="b1")}[by]
    receipts = race(*[refund] * 50)
    assert Counter(receipt.outcome for receipt in receipts) == {Outcome.APPLIED: 1, Outcome.REPLAYED: 49}
    assert player.log() == [("refund", Decimal(0))]


@pytest.mark.parametrize("by", ["round", "reference"])
def test_refund_against_its_own_bet_never_costs_the_player(new_player, by):
    seen: Counter[Outcome] = Counter()
    for _ in range(100):
        player = new_player()
        refund = {
            "round": partial(player.refund, "r1"),
            "reference": partial(player.refund, None, reference="b1"),
        }[by]
        bet, refunded = race(partial(player.bet, "10"), refund)
        assert refunded.outcome is Outcome.APPLIED
        assert player.balance() == MONEY_BACK
        expected = {
            Outcome.APPLIED: [("bet", Decimal(-10)), ("refund", Decimal(10))],
            Outcome.ROUND_REFUNDED: [("refund", Decimal(0))],
        }
        assert player.log() == expected[bet.outcome]
        seen[bet.outcome] += 1
    assert sum(seen.values()) == 100


def test_two_bets_for_one_balance_and_one_of_them_wins(new_player):
    for _ in range(50):
        player = new_player("10")
        receipts = race(
            partial(player.bet, "10", round_id="r1", reference="b1"),
            partial(player.bet, "10", round_id="r2", reference="b2"),
        )
        assert {receipt.outcome for receipt in receipts} == {Outcome.APPLIED, Outcome.INSUFFICIENT_BALANCE}
        assert player.balance() == 0


def test_fifty_equal_bets_are_one(player):
    receipts = race(*[lambda: player.bet("10")] * 50)
    assert Counter(receipt.outcome for receipt in receipts) == {Outcome.APPLIED: 1, Outcome.REPLAYED: 49}
    assert player.balance() == Decimal(90)


def test_many_new_rounds_of_one_player_at_once_do_not_deadlock(player):
    receipts = race(
        *[partial(player.bet, "1", round_id=f"r{n}", reference=f"b{n}") for n in range(50)],
    )
    assert {receipt.outcome for receipt in receipts} == {Outcome.APPLIED}
    receipts = race(*[partial(player.refund, f"r{n}", reference=f"f{n}") for n in range(50)])
    assert {receipt.outcome for receipt in receipts} == {Outcome.APPLIED}
    assert player.balance() == MONEY_BACK
    rows = player.query("SELECT seq, balance FROM transactions", "ORDER BY seq")
    assert [row.seq for row in rows] == list(range(1, 101)), "the wallet's count has a gap"


def test_one_reference_in_two_currencies_is_bet_once(new_player):
    for _ in range(50):
        player = new_player()
        player.open("EUR", "100")
        receipts = race(
            partial(player.bet, "10", round_id="r1", currency="USD"),
            partial(player.bet, "10", round_id="r2", currency="EUR"),
        )
        assert {receipt.outcome for receipt in receipts} == {Outcome.APPLIED, Outcome.REFERENCE_REUSED}
        assert player.balance("USD") + player.balance("EUR") == Decimal(190)


def test_one_round_in_two_currencies_belongs_to_one(new_player):
    for _ in range(50):
        player = new_player()
        player.open("EUR", "100")
        receipts = race(
            partial(player.bet, "10", reference="b1", currency="USD"),
            partial(player.bet, "10", reference="b2", currency="EUR"),
        )
        assert {receipt.outcome for receipt in receipts} == {Outcome.APPLIED, Outcome.CURRENCY_MISMATCH}


def test_one_wallet_is_opened_once(new_player):
    player = new_player()
    receipts = race(*[lambda: player.open("EUR", "5")] * 20)
    assert Counter(receipt.outcome for receipt in receipts) == {Outcome.APPLIED: 1, Outcome.REPLAYED: 19}
    assert player.balance("EUR") == Decimal(5)
    assert player.open("EUR", "6").outcome is Outcome.WALLET_EXISTS


@pytest.mark.parametrize("kind", ["refund", "cancel"])
def test_a_bet_and_its_early_refund_or_cancel_in_another_currency_never_cost_the_stake(new_player, kind):
    """They name two wallets, and no key covers both rows: only a lock that they share keeps them apart."""
    for _ in range(100):
        player = new_player()
        player.open("EUR", "100")
        other = {
            "refund": partial(player.refund, None, reference="b1"),
            "cancel": partial(player.cancel, "b1"),
        }[kind]
        bet, answer = race(partial(player.bet, "10", currency="EUR"), other)
        if answer.outcome is Outcome.APPLIED:
            assert bet.outcome in {Outcome.ROUND_REFUNDED, Outcome.BET_CANCELLED}
            assert player.balance("EUR") == MONEY_BACK
        else:
            assert (bet.outcome, answer.outcome) == (Outcome.APPLIED, Outcome.CURRENCY_MISMATCH)


def test_a_freeze_waits_for_the_bet_that_is_on_its_way(player, engine, database_url):
    owner = create_wallet_engine(as_owner(database_url), connections=1)
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with (
        ThreadPoolExecutor(1) as pool,
        owner.connect().execution_options(isolation_level="READ COMMITTED") as bet,
        engine.connect() as looking,
    ):
        bet.execute(text("SELECT FROM lock_wallet(:user, 'USD')"), {"user": player.user_id})
        freeze = pool.submit(player.freeze)
        while not looking.scalar(waiting):
            assert not freeze.done(), "it is told to be applied, and the bet is taken afterwards"
        bet.rollback()
        assert freeze.result().outcome is Outcome.APPLIED
    owner.dispose()
