"""Every pair of calls that can meet, 200 rounds each: whatever the order, money is conserved and one wins at most.

Each pair's endings are listed whole, as (outcome, outcome) → the signed amounts after the set-up.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from threading import Barrier
from typing import Any

import pytest

from wallet_service.ledger.outcomes import Outcome as O

ROUNDS = 200

PAIRS: dict[str, Any] = {
    "refund and result": (
        [lambda p: p.bet("10")],
        lambda p: p.refund("r1"),
        lambda p: p.result("25"),
        {
            (O.APPLIED, O.ROUND_REFUNDED): [("refund", D(10))],
            (O.ROUND_SETTLED, O.APPLIED): [("result", D(25))],
        },
    ),
    "reversing refund and result": (
        [lambda p: p.bet("10")],
        lambda p: p.reversing().refund("r1"),
        lambda p: p.result("25"),
        {
            (O.APPLIED, O.ROUND_REFUNDED): [("refund", D(10))],
            (O.APPLIED, O.APPLIED): [("result", D(25)), ("refund", D(10)), ("reversal", D(-25))],
        },
    ),
    "refund and cancel": (
        [lambda p: p.bet("10")],
        lambda p: p.refund("r1"),
        lambda p: p.cancel("b1"),
        {
            (O.APPLIED, O.APPLIED): [
                [("refund", D(10)), ("cancel", D(0))],
                [("cancel", D(10)), ("refund", D(0))],
            ],
        },
    ),
    "bet and its cancel": (
        [],
        lambda p: p.bet("10"),
        lambda p: p.cancel("b1"),
        {
            (O.APPLIED, O.APPLIED): [("bet", D(-10)), ("cancel", D(10))],
            (O.BET_CANCELLED, O.APPLIED): [("cancel", D(0))],
        },
    ),
    "second bet and the round's refund": (
        [lambda p: p.bet("10", reference="b0")],
        lambda p: p.bet("10"),
        lambda p: p.refund("r1"),
        {
            (O.APPLIED, O.APPLIED): [("bet", D(-10)), ("refund", D(20))],
            (O.ROUND_REFUNDED, O.APPLIED): [("refund", D(10))],
        },
    ),
    "result and the same result": (
        [lambda p: p.bet("10")],
        lambda p: p.result("25"),
        lambda p: p.result("25"),
        {
            (O.APPLIED, O.REPLAYED): [("result", D(25))],
            (O.REPLAYED, O.APPLIED): [("result", D(25))],
        },
    ),
    "result and another result": (
        [lambda p: p.bet("10")],
        lambda p: p.result("25", reference="w1"),
        lambda p: p.result("25", reference="w2"),
        {(O.APPLIED, O.APPLIED): [("result", D(25)), ("result", D(25))]},
    ),
    "result and the cancel of the only bet": (
        [lambda p: p.bet("10")],
        lambda p: p.result("25"),
        lambda p: p.cancel("b1"),
        {
            (O.APPLIED, O.LAST_BET_OF_SETTLED_ROUND): [("result", D(25))],
            (O.BETS_CANCELLED, O.APPLIED): [("cancel", D(10))],
        },
    ),
    "bet and the end of its round": (
        [lambda p: p.bet("10", reference="b0")],
        lambda p: p.bet("10"),
        lambda p: p.end_round(),
        {
            (O.APPLIED, O.APPLIED): [("bet", D(-10))],
            (O.ROUND_ENDED, O.APPLIED): [],
        },
    ),
    "bet and withdrawal of all there is": (
        [],
        lambda p: p.bet("100"),
        lambda p: p.transfer("withdrawal", "100"),
        {
            (O.APPLIED, O.INSUFFICIENT_BALANCE): [("bet", D(-100))],
            (O.INSUFFICIENT_BALANCE, O.APPLIED): [("withdrawal", D(-100))],
        },
    ),
    "promo win of a result and the promo win itself": (
        [lambda p: p.bet("10")],
        lambda p: p.result("25", promo=("5", "p1")),
        lambda p: p.win("promo_win", "5", reference="p1"),
        {
            (O.APPLIED, O.REPLAYED): [("result", D(25)), ("promo_win", D(5))],
            (O.APPLIED, O.APPLIED): [("promo_win", D(5)), ("result", D(25))],
        },
    ),
    "two decisions about one round": (
        [lambda p: p.bet("10"), lambda p: p.result("25"), lambda p: p.refund("r1")],
        lambda p: p.decide("refund", "refund_of_settled_round"),
        lambda p: p.decide("leave", "refund_of_settled_round"),
        {
            (O.APPLIED, O.REVIEW_UNKNOWN): [("refund", D(10)), ("reversal", D(-25))],
            (O.REVIEW_UNKNOWN, O.APPLIED): [],
        },
    ),
    "a decision and a result": (
        [lambda p: p.bet("10"), lambda p: p.result("25", reference="w0"), lambda p: p.refund("r1")],
        lambda p: p.decide("refund", "refund_of_settled_round"),
        lambda p: p.result("5"),
        {
            (O.APPLIED, O.ROUND_REFUNDED): [("refund", D(10)), ("reversal", D(-25))],
            (O.APPLIED, O.APPLIED): [("result", D(5)), ("refund", D(10)), ("reversal", D(-30))],
        },
    ),
    "one difference found by two reconciliations": (
        [],
        lambda p: p.queue_review("status"),
        lambda p: p.queue_review("status"),
        {
            (O.APPLIED, O.REPLAYED): [],
            (O.REPLAYED, O.APPLIED): [],
        },
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_pair(new_player, pair):
    prepare, first, second, endings = PAIRS[pair]
    seen: Counter[tuple[O, O]] = Counter()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            player = new_player()
            for step in prepare:
                step(player)
            before = len(player.log())
            barrier = Barrier(2)

            def run(call, player=player, barrier=barrier):
                barrier.wait()
                return call(player)

            receipts = list(pool.map(run, (first, second)))
            ending = (receipts[0].outcome, receipts[1].outcome)
            allowed = endings[ending]
            after = player.log()[before:]
            assert after == allowed or after in allowed, ending
            assert player.balance() == D(100) + sum(amount for _, amount in player.log())
            seen[ending] += 1
    assert sum(seen.values()) == ROUNDS
