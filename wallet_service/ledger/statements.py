"""The statement of each call: its database function, called with the call's fields and the names of its entries."""

from dataclasses import fields
from typing import Any

from sqlalchemy import Numeric, Row, Text, TextualSelect, Uuid, column, text

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
from wallet_service.ledger.outcomes import Outcome, Receipt

__all__ = ["FIELDS", "FUNCTIONS", "IDS", "RECEIPT", "STATEMENTS", "receipt_of"]

TYPES = (
    {"patience": "integer", "reverse": "boolean", "sent": "json"}
    | dict.fromkeys(("id", "attempt_id", "promo_id", "reversal_id"), "uuid")
    | dict.fromkeys(("amount", "opening_balance", "promo_amount"), "numeric")
)
"""The parameters that are not text."""
ENTRY_IDS = frozenset({"id", "promo_id", "reversal_id"})
"""Ids of entries: the service makes them, not the database, so that its functions can be distributed."""
RECEIPT = (
    column("outcome", Text),
    column("transaction_id", Uuid),
    column("currency", Text),
    column("balance", Numeric),
)
"""What a function answers. Where SQLAlchemy is told the columns, it looks at them once and not at each answer."""


FUNCTIONS: dict[type[Call], tuple[str, tuple[str, ...]]] = {
    OpenWallet: ("open_wallet", ("user_id", "currency", "opening_balance")),
    OpenWalletByHand: ("open_wallet_by_hand", ("user_id", "id", "currency", "opening_balance", "by_whom", "why")),
    Transfer: ("transfer", ("user_id", "id", "kind", "currency", "reference", "amount", "sent")),
    Adjust: ("adjust", ("user_id", "id", "kind", "currency", "reference", "amount", "by_whom", "why", "sent")),
    SetPlayerState: ("set_player_state", ("user_id", "id", "state", "by_whom", "why")),
    DecideReview: (
        "decide_review",
        ("user_id", "id", "reversal_id", "round_id", "reason", "reference", "decision", "by_whom", "why", "sent"),
    ),
    QueueReview: ("queue_review", ("user_id", "currency", "round_id", "reason", "reference")),
    RequestCancellation: (
        "request_cancellation",
        ("user_id", "id", "round_id", "game_id", "by_whom", "why", "patience"),
    ),
    AnswerCancellation: ("answer_cancellation", ("user_id", "attempt_id", "answer", "code", "message", "patience")),
    Check: ("check_wallet", ("user_id", "currency", "sent")),
    SessionExpired: ("session_expired", ("user_id", "sent")),
    Balance: ("balance", ("user_id", "currency", "sent")),
    Bet: ("bet", ("user_id", "id", "currency", "round_id", "game_id", "reference", "amount", "bonus_code", "sent")),
    Result: (
        "result",
        (
            *("user_id", "id", "promo_id", "currency", "round_id", "game_id", "reference", "amount", "bonus_code"),
            *("promo_amount", "promo_reference", "sent"),
        ),
    ),
    EndRound: ("end_round", ("user_id", "currency", "round_id", "sent")),
    Cancel: ("cancel", ("user_id", "id", "currency", "round_id", "reference", "sent")),
    Refund: (
        "refund",
        ("user_id", "id", "reversal_id", "currency", "round_id", "game_id", "reference", "amount", "reverse", "sent"),
    ),
    Win: ("win", ("user_id", "id", "kind", "currency", "round_id", "reference", "amount", "bonus_code", "sent")),
}
"""The function of each call, and the function's parameters in their order."""


def _function_call(function: str, parameters: tuple[str, ...]) -> TextualSelect:
    """Write the statement that is a call: one function, every parameter cast, so that its signature alone finds it."""
    arguments = ", ".join(f"CAST(:{name} AS {TYPES.get(name, 'text')})" for name in parameters)
    statement = text(f"SELECT outcome, transaction_id, currency, balance FROM {function}({arguments})")  # noqa: S608 - our names
    return statement.columns(*RECEIPT)


# A call by itself is one such statement with nothing around it: one round trip, one transaction.
STATEMENTS = {kind: _function_call(*function) for kind, function in FUNCTIONS.items()}
FIELDS = {kind: tuple(item.name for item in fields(kind)) for kind in FUNCTIONS}
IDS = {kind: tuple(name for name in names if name in ENTRY_IDS) for kind, (_, names) in FUNCTIONS.items()}
"""The ids that each call needs for the entries that it may make."""


def receipt_of(row: Row[Any]) -> Receipt:
    """Read what a function answered."""
    return Receipt(Outcome(row.outcome), row.transaction_id, row.currency, row.balance)
