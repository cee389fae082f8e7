"""When two sides of a round agree: each state against each standing, exact amounts, and rounds that are missing."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from wallet_service.ledger.round_reads import RoundRow
from wallet_service.lucky_monaco import RoundStatus
from wallet_service.reconcile.differences import compare, is_unfinished

TEN, FIVE, ZERO = Decimal(10), Decimal(5), Decimal(0)
OPEN = RoundRow("u1", "1", "g1", "USD", "open", TEN, ZERO, FIVE, ZERO, 1, 0, datetime(2025, 1, 1, tzinfo=UTC))
HERE = {
    "open": OPEN,
    "settled": replace(OPEN, state="settled"),
    "ended": replace(OPEN, state="ended"),
    "refunded": replace(OPEN, state="refunded"),
    "cancelled": replace(OPEN, cancelled=TEN, bets=2, bets_cancelled=2),
}
THERE = RoundStatus("Completed", "USD", Decimal("10.000"), Decimal("5.00"))
AGREE = {
    "InProgress": "open settled",
    "CompleteInProcess": "open settled ended",
    "CancelInProcess": "open settled ended refunded cancelled",
    "Completed": "settled ended",
    "Cancelled": "refunded cancelled",
    "AnotherStateOfTheirs": "",
}


def kinds(here, there, *, old=False):
    return [str(kind) for kind, _, _ in compare(here, there, old=old)]


@pytest.mark.parametrize("standing", HERE)
@pytest.mark.parametrize("state", AGREE)
def test_every_state_against_every_standing(state, standing):
    agrees = standing in AGREE[state].split()
    here, there = HERE[standing], replace(THERE, state=state, staked=HERE[standing].staked - HERE[standing].cancelled)
    assert kinds(here, there) == ([] if agrees else ["status"])
    unfinished = state not in {"Completed", "Cancelled"}
    assert is_unfinished(here, there) == (unfinished or standing in {"open", "settled"})
    assert kinds(here, there, old=True) == ([] if agrees else ["status"]) + ["stuck"] * unfinished


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ({}, {}, []),
        ({}, {"staked": Decimal("10.000000000000000001")}, [("bet_amount", "10.00", "10.000000000000000001")]),
        ({"staked": Decimal(30), "cancelled": Decimal(20), "bets": 3, "bets_cancelled": 2}, {}, []),
        ({}, {"won": Decimal("5.01")}, [("win_amount", "5.00", "5.01")]),
        ({}, {"won": None}, []),
        ({}, {"currency": "EUR"}, [("currency", "USD", "EUR")]),
        ({}, {"currency": "EUR", "staked": ZERO, "won": ZERO}, ["currency", "bet_amount", "win_amount"]),
        ({}, {"state": "CancelInProcess", "staked": ZERO, "won": ZERO}, []),
        ({"state": "refunded"}, {"state": "Cancelled", "staked": ZERO, "won": ZERO}, []),
        ({}, {"state": "Cancelled"}, [("status", "ended", "Cancelled")]),
        ({"state": "refunded"}, {}, [("status", "void", "Completed")]),
        ({"bets": 0}, {}, []),
    ],
)
def test_amounts_are_compared_exactly_where_something_is_owed(here, there, expected):
    found = compare(replace(HERE["ended"], **here), replace(THERE, **there), old=False)
    assert found == expected or [kind for kind, _, _ in found] == expected


def test_a_round_that_one_side_does_not_have():
    assert compare(None, None, old=True) == []
    assert compare(None, THERE, old=True) == [("missing_here", "", "Completed, bet 10.00, won 5.00")]
    assert compare(None, replace(THERE, won=None), old=True) == [("missing_here", "", "Completed, bet 10.00")]
    assert kinds(None, replace(THERE, state="Cancelled")) == ["missing_here"]
    assert kinds(None, replace(THERE, state="Cancelled", staked=ZERO)) == []
    assert compare(HERE["settled"], None, old=True) == [("missing_there", "settled, bet 10.00, won 5.00", "")]
    assert kinds(HERE["refunded"], None) == kinds(HERE["cancelled"], None) == []
    assert not is_unfinished(HERE["ended"], None)
    assert is_unfinished(HERE["settled"], None)
    assert is_unfinished(None, replace(THERE, state="CancelInProcess"))
    assert not is_unfinished(None, THERE)
