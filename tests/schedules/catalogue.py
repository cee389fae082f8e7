"""The calls that meet, all about one player's round ``r1``, and the scenes they meet in.

The amounts make the order count: of 100 there is enough for one bet or the other, and for most calls after another.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from psycopg import ClientCursor, Connection

from wallet_service.ledger.calls import (
    Adjust,
    AnswerCancellation,
    Balance,
    Bet,
    Call,
    Cancel,
    Check,
    DecideReview,
    EndRound,
    OpenWallet,
    QueueReview,
    Refund,
    RequestCancellation,
    Result,
    SetPlayerState,
    Transfer,
    Win,
)
from wallet_service.ledger.statements import FIELDS, STATEMENTS

__all__ = ["CALLS", "IDS", "SCENES", "TRIPLES", "id_of", "statement"]

IDS = ("id", "promo_id", "reversal_id")
D = Decimal
WHO = "ann", "to see"


def id_of(user_id: str, actor: str, kind: str) -> UUID:
    """Return the id that a call of this player's makes its rows with."""
    return uuid5(NAMESPACE_OID, f"{user_id}/{actor}/{kind}")


def _bet(user: str, reference: str, amount: int) -> Bet:
    return Bet(user, "USD", "r1", "g1", reference, D(amount), None, "{}")


def _result(user: str, reference: str, *, promo: bool = False, bonus: str | None = None) -> Result:
    return Result(
        user, "USD", "r1", "g1", reference, D(25), bonus, D(5) if promo else None, "p1" if promo else None, "{}"
    )


def _decide(user: str, decision: Any) -> DecideReview:
    return DecideReview(user, "r1", "refund_of_settled_round", "", decision, *WHO, "{}")


CALLS: dict[str, Callable[[str], Call]] = {
    "bet": lambda user: _bet(user, "b1", 40),
    "another bet": lambda user: _bet(user, "b2", 70),
    "result": lambda user: _result(user, "w1", promo=True),
    "free result": lambda user: _result(user, "w2", bonus="k"),
    "cancel": lambda user: Cancel(user, "USD", "r1", "b1", "{}"),
    "refund": lambda user: Refund(user, "USD", "r1", "g1", "f1", None, "{}"),
    "refund by bet": lambda user: Refund(user, None, None, None, "b1", None, "{}"),
    "reversing refund": lambda user: Refund(user, "USD", "r1", "g1", "f2", None, "{}"),
    "end_round": lambda user: EndRound(user, "USD", "r1", "{}"),
    "promo_win": lambda user: Win(user, "promo_win", "USD", None, "p1", D(5), None, "{}"),
    "bonus_win": lambda user: Win(user, "bonus_win", "USD", None, "k1", D(30), "k", "{}"),
    "jackpot_win": lambda user: Win(user, "jackpot_win", "USD", "r1", "j1", D(10), None, "{}"),
    "deposit": lambda user: Transfer(user, "deposit", "USD", "t1", D(10), "{}"),
    "withdrawal": lambda user: Transfer(user, "withdrawal", "USD", "t1", D(50), "{}"),
    "credit": lambda user: Adjust(user, "credit", "USD", "a1", D(10), *WHO, "{}"),
    "debit": lambda user: Adjust(user, "debit", "USD", "a1", D(60), *WHO, "{}"),
    "freeze": lambda user: SetPlayerState(user, "frozen", *WHO),
    "decide to refund": lambda user: _decide(user, "refund"),
    "decide to leave": lambda user: _decide(user, "leave"),
    "request_cancellation": lambda user: RequestCancellation(user, "r1", "g1", *WHO, 60),
    "request of the game": lambda user: RequestCancellation(user, None, "g1", *WHO, 60),
    "answer_cancellation": lambda user: AnswerCancellation(user, id_of(user, "0", "id"), "accepted", "0", "ok", 60),
    "queue_review": lambda user: QueueReview(user, "USD", "r1", "reconciliation", "status"),
    "open_wallet": lambda user: OpenWallet(user, "EUR", D(5)),
    "check": lambda user: Check(user, "USD", "{}"),
    "balance": lambda user: Balance(user, "USD", "{}"),
}
"""Each twice beside itself, too: the same call sent again while the first one is on its way."""

ASKED = (lambda user: OpenWallet(user, "USD", D(100)), lambda user: RequestCancellation(user, "r1", "g1", *WHO, 0))
SCENES: dict[str, tuple[Callable[[str], Call], ...]] = {
    "new": ASKED,
    "open": (*ASKED, CALLS["bet"]),
    "settled": (*ASKED, CALLS["bet"], CALLS["result"], CALLS["refund"]),
}
"""What was called before: a cancellation was asked for in each; in the last one a refund waits for a decision."""

TRIPLES = (
    ("bet", "refund", "refund"),
    ("bet", "refund by bet", "refund"),
    ("result", "cancel", "refund"),
    ("result", "end_round", "reversing refund"),
    ("bet", "another bet", "withdrawal"),
    ("refund", "request_cancellation", "answer_cancellation"),
    ("decide to refund", "decide to leave", "result"),
    ("queue_review", "queue_review", "refund"),
    ("freeze", "bet", "check"),
)


def statement(connection: Connection, name: str, call: Call, actor: str) -> str:
    """Return the product's own statement for a call, its values written into it."""
    values = {field: getattr(call, field) for field in FIELDS[type(call)]}
    values |= {kind: id_of(call.user_id, actor, kind) for kind in IDS}
    values["reverse"] = name == "reversing refund"
    return ClientCursor(connection).mogrify(_query(type(call)), values)


def _query(call: type[Call]) -> str:
    return re.sub(r":(\w+)", r"%(\1)s", STATEMENTS[call].text)
