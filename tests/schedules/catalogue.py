"""The calls that meet, nearly all about one player's round ``r1``, and the scenes they meet in.

The amounts make the order count: of 100 there is enough for one bet or the other, and for most calls after another.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from psycopg import ClientCursor, Connection
from sqlalchemy import Executable, TextClause

from wallet_service.ledger.actions import ENTER_ACTION
from wallet_service.ledger.call_groups import APPLY_CALLS
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
    OpenWalletByHand,
    QueueReview,
    Refund,
    RequestCancellation,
    Result,
    SessionExpired,
    SetPlayerState,
    Transfer,
    Win,
)
from wallet_service.ledger.reconciliations import RECORD_RECONCILIATION
from wallet_service.ledger.statements import FIELDS, FUNCTIONS, STATEMENTS

__all__ = [
    "CALLS",
    "ENTRY",
    "IDS",
    "SCENES",
    "TRIPLES",
    "Entry",
    "Group",
    "Meets",
    "actors_of",
    "id_of",
    "other",
    "players_of",
    "statement",
]

IDS = ("id", "promo_id", "reversal_id")
D = Decimal
WHO = "ann", "to see"
ENTRY = "entry"
"""Who makes the id of an entry: every session the same one."""


@dataclass(frozen=True, slots=True)
class Group:
    """Calls that one statement applies together, some of them another player's (``apply_calls``)."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that is entered by itself, about no player, under an id that is the same in every session."""

    text: TextClause
    values: dict[str, Any]


Meets = Call | Group | Entry


def other(user_id: str) -> str:
    """Return another player, who comes after this one in the order of locks."""
    return f"{user_id}x"


def id_of(user_id: str, actor: str, kind: str) -> UUID:
    """Return the id that a call of this player's makes its rows with."""
    return uuid5(NAMESPACE_OID, f"{user_id}/{actor}/{kind}")


def _bet(user: str, reference: str, amount: int) -> Bet:
    return Bet(user, "USD", "r1", "g1", reference, D(amount), None, "{}")


def _result(user: str, reference: str, *, promo: bool = False, bonus: str | None = None) -> Result:
    return Result(
        user, "USD", "r1", "g1", reference, D(25), bonus, D(5) if promo else None, "p1" if promo else None, "{}"
    )


def _refund(user: str) -> Refund:
    return Refund(user, "USD", "r1", "g1", "f1", None, "{}")


def _decide(user: str, decision: Any) -> DecideReview:
    return DecideReview(user, "r1", "refund_of_settled_round", "", decision, *WHO, "{}")


def _record(user: str) -> Entry:
    values = {"start": "2026-01-01T00:00Z", "done_to": "2026-01-02T00:00Z", "here": 2, "there": 1, "differences": 1}
    return Entry(RECORD_RECONCILIATION, {"id": id_of(user, ENTRY, "id"), **values})


def _enter(user: str) -> Entry:
    values = {"kind": "cancel", "reference": "r1", "by_whom": "ann", "why": "to see", "before": None, "after": "{}"}
    return Entry(ENTER_ACTION, {"id": id_of(user, ENTRY, "id"), **values})


CALLS: dict[str, Callable[[str], Meets]] = {
    "bet": lambda user: _bet(user, "b1", 40),
    "another bet": lambda user: _bet(user, "b2", 70),
    "result": lambda user: _result(user, "w1", promo=True),
    "free result": lambda user: _result(user, "w2", bonus="k"),
    "cancel": lambda user: Cancel(user, "USD", "r1", "b1", "{}"),
    "refund": _refund,
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
    "open_wallet_by_hand": lambda user: OpenWalletByHand(user, "EUR", D(7), *WHO),
    "check": lambda user: Check(user, "USD", "{}"),
    "session_expired": lambda user: SessionExpired(user, "{}"),
    "balance": lambda user: Balance(user, "USD", "{}"),
    "group": lambda user: Group((_bet(other(user), "b1", 40), SessionExpired(user, "{}"), _refund(user))),
    "group backwards": lambda user: Group((_bet(user, "b2", 70), Cancel(other(user), "USD", "r1", "b1", "{}"))),
    "record_reconciliation": _record,
    "enter_action": _enter,
}
"""Each twice beside itself, too: the same call sent again while the first one is on its way."""

ASKED = (lambda user: OpenWallet(user, "USD", D(100)), lambda user: RequestCancellation(user, "r1", "g1", *WHO, 0))
SCENES: dict[str, tuple[Callable[[str], Meets], ...]] = {
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
    ("group backwards", "bet", "check"),
)


def players_of(meets: Meets) -> tuple[str, ...]:
    """Return the players whose wallets a group asks for; none for what is no group."""
    return tuple(sorted({call.user_id for call in meets.calls})) if isinstance(meets, Group) else ()


def actors_of(meets: Meets, actor: str) -> list[str]:
    """Return who makes the ids of a call that this actor makes, or of each call of its group."""
    return [f"{actor}, call {n}" for n in range(len(meets.calls))] if isinstance(meets, Group) else [actor]


def statement(
    connection: Connection, name: str, meets: Meets, actor: str, passed_over: frozenset[str] = frozenset()
) -> str:
    """Return the product's own statement, its values written into it; a group's without some of its players' calls."""
    query: Executable
    if isinstance(meets, Entry):
        query, values = meets.text, meets.values
    elif isinstance(meets, Group):
        calls = [
            {"function": FUNCTIONS[type(call)][0], **_values(name, call, one)}
            for call, one in zip(meets.calls, actors_of(meets, actor), strict=True)
        ]
        players = [player for player in players_of(meets) if player not in passed_over]
        query, values = APPLY_CALLS, {"players": players, "calls": json.dumps(calls, default=str)}
    else:
        query, values = STATEMENTS[type(meets)], _values(name, meets, actor)
    return ClientCursor(connection).mogrify(re.sub(r":(\w+)", r"%(\1)s", str(query)), values)


def _values(name: str, call: Call, actor: str) -> dict[str, Any]:
    values = {field: getattr(call, field) for field in FIELDS[type(call)]}
    values |= {kind: id_of(call.user_id, actor, kind) for kind in IDS}
    return {**values, "reverse": name == "reversing refund"}
