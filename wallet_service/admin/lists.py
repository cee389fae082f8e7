"""The lists of the desk, each as one table of its columns and filters."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, true

from wallet_service.admin.filters import Filter
from wallet_service.admin.listing import Column, Listing
from wallet_service.ledger.cancellation_reads import STATES, state_by_now
from wallet_service.ledger.models import Action, Cancellation, CancellationAttempt, Review, Round, Transaction

__all__ = ["LISTINGS"]

CALLS = (
    "bet",
    "result",
    "cancel",
    "refund",
    "reversal",
    "promo_win",
    "bonus_win",
    "jackpot_win",
    "deposit",
    "withdrawal",
    "credit",
    "debit",
)
ROUND_STATES = ("open", "settled", "ended", "refunded")
REVIEW_STATES = ("open", "refunded", "left", "paid", "all")
REVIEW_REASONS = (
    "refund_of_settled_round",
    "reversal_not_covered",
    "unmatched_cancel",
    "cancel_in_another_round",
    "cancel_in_settled_round",
    "result_without_bet",
    "reconciliation",
)
ACTIONS = ("refund", "leave", "freeze", "unfreeze", "cancel", "credit", "debit", "account")

PLAYER = Filter("player", "Player", "user_id", indexed=True)
ROUND = Filter("round", "Round", "round_id", indexed=True)
CURRENCY = Filter("currency", "Currency", "currency")


def _amounts(column: str, label: str) -> tuple[Filter, Filter]:
    """Return the filters of a range of amounts, whichever way the money went."""
    return (
        Filter("least", f"{label} from", column, "amount", compare=lambda of, value: func.abs(of) >= value),
        Filter("most", f"{label} to", column, "amount", compare=lambda of, value: func.abs(of) <= value),
    )


def _names_player_or_round(values: dict[str, Any]) -> bool:
    return "player" in values or "round" in values


def _names_player(values: dict[str, Any]) -> bool:
    return "player" in values


def _is_short_queue(values: dict[str, Any]) -> bool:
    """Tell whether only open reviews are asked for: they wait, however old they are."""
    return "player" in values or values["state"] == "open"


def _in_round(column: ColumnElement[str], round_id: str) -> ColumnElement[bool]:
    """Ask for a round's transactions through its players, whose transactions an index finds."""
    return and_(column == round_id, Transaction.user_id.in_(select(Round.user_id).where(Round.round_id == round_id)))


def _in_state(_column: ColumnElement[str], state: str) -> ColumnElement[bool]:
    if state == "open":
        return Review.closed_at.is_(None)
    return true() if state == "all" else Review.resolution == state


def _with_latest_attempt(query: Select[Any]) -> Select[Any]:
    latest = and_(
        CancellationAttempt.user_id == Cancellation.user_id,
        CancellationAttempt.cancellation_id == Cancellation.id,
        CancellationAttempt.asked_at == Cancellation.asked_at,
    )
    return query.join(CancellationAttempt, latest)


ROUNDS = Listing(
    name="rounds",
    title="Rounds",
    columns=(
        Column("opened_at", "Opened", Round.opened_at, "time"),
        Column("round_id", "Round", Round.round_id, "round"),
        Column("user_id", "Player", Round.user_id, "player"),
        Column("game_id", "Game", Round.game_id, "id"),
        Column("state", "State", Round.state, "state"),
        Column("staked", "Staked", Round.staked, "amount"),
        Column("cancelled", "Cancelled", Round.cancelled, "amount"),
        Column("won", "Won", Round.won, "amount"),
        Column("refunded", "Refunded", Round.refunded, "amount"),
        Column("currency", "Currency", Round.currency, "word"),
    ),
    key=("opened_at", "user_id", "round_id"),
    filters=(
        PLAYER,
        ROUND,
        Filter("game", "Game", "game_id"),
        CURRENCY,
        Filter("state", "State", "state", "choice", ROUND_STATES),
        *_amounts("staked", "Staked"),
    ),
    empty="No round was opened so. Widen the time, or take a filter away.",
    is_free=_names_player_or_round,
)

TRANSACTIONS = Listing(
    name="transactions",
    title="Transactions",
    columns=(
        Column("at", "At", Transaction.at, "time"),
        Column("call", "Call", Transaction.call, "word"),
        Column("user_id", "Player", Transaction.user_id, "player"),
        Column("round_id", "Round", Transaction.round_id, "round"),
        Column("reference", "Reference", Transaction.reference, "id"),
        Column("amount", "Amount", Transaction.amount, "amount"),
        Column("balance", "Balance after", Transaction.balance, "amount"),
        Column("currency", "Currency", Transaction.currency, "word"),
        Column("id", "Transaction", Transaction.id, "transaction"),
    ),
    key=("at", "id"),
    filters=(
        PLAYER,
        Filter("round", "Round", "round_id", compare=_in_round, indexed=True),
        CURRENCY,
        Filter("call", "Call", "call", "choice", CALLS),
        Filter("reference", "Reference", "reference"),
        *_amounts("amount", "Amount"),
    ),
    empty="No money moved so. Widen the time, or take a filter away.",
    is_free=_names_player_or_round,
)

CANCELLATIONS = Listing(
    name="cancellations",
    title="Cancellations",
    columns=(
        Column("requested_at", "Requested", Cancellation.requested_at, "time"),
        Column("user_id", "Player", Cancellation.user_id, "player"),
        Column("round_id", "Round", Cancellation.round_id, "round"),
        Column("game_id", "Game", Cancellation.game_id, "id"),
        Column("state", "State", state_by_now(), "state"),
        Column("asked_at", "Last asked", Cancellation.asked_at, "time"),
        Column("due_at", "Awaited until", Cancellation.due_at, "time"),
        Column("refunded_at", "Refunded", Cancellation.refunded_at, "time"),
        Column("by_whom", "By", CancellationAttempt.by_whom, "id"),
        Column("why", "Why", CancellationAttempt.why),
        Column("message", "Answer", CancellationAttempt.message),
        Column("id", "Cancellation", Cancellation.id, "id"),
    ),
    key=("requested_at", "id"),
    filters=(
        PLAYER,
        Filter("round", "Round", "round_id"),
        Filter("game", "Game", "game_id"),
        Filter("state", "State", "state", "choice", STATES),
    ),
    empty="No cancellation was asked for so. Widen the time, or take a filter away.",
    is_free=_names_player,
    joined=_with_latest_attempt,
)

REVIEWS = Listing(
    name="reviews",
    title="Reviews",
    columns=(
        Column("opened_at", "Opened", Review.opened_at, "time"),
        Column("user_id", "Player", Review.user_id, "player"),
        Column("round_id", "Round", Review.round_id, "round"),
        Column("reason", "Reason", Review.reason, "word"),
        Column("reference", "Reference", Review.reference, "id"),
        Column("currency", "Currency", Review.currency, "word"),
        Column("state", "State", func.coalesce(Review.resolution, "open"), "state"),
        Column("closed_at", "Closed", Review.closed_at, "time"),
    ),
    key=("opened_at", "user_id", "round_id", "reason", "reference"),
    filters=(
        PLAYER,
        Filter("round", "Round", "round_id"),
        CURRENCY,
        Filter("reason", "Reason", "reason", "choice", REVIEW_REASONS),
        Filter("state", "State", "state", "choice", REVIEW_STATES, _in_state, indexed=True, default="open"),
    ),
    empty="Nothing waits for a decision here.",
    is_free=_is_short_queue,
)

ACTION_LOG = Listing(
    name="actions",
    title="Actions",
    columns=(
        Column("at", "At", Action.at, "time"),
        Column("kind", "What", Action.kind, "word"),
        Column("by_whom", "By", Action.by_whom, "id"),
        Column("user_id", "Player or account", Action.user_id, "player"),
        Column("round_id", "Round", Action.round_id, "round"),
        Column("reason", "Reason", Action.reason, "word"),
        Column("reference", "Reference", Action.reference, "id"),
        Column("before", "Before", Action.before, "changes"),
        Column("after", "After", Action.after, "changes"),
        Column("why", "Why", Action.why),
        Column("transaction_id", "Transaction", Action.transaction_id, "transaction"),
        Column("id", "Action", Action.id, "id"),
    ),
    key=("at", "id"),
    filters=(
        PLAYER,
        Filter("round", "Round", "round_id"),
        Filter("kind", "What", "kind", "choice", ACTIONS),
        Filter("by", "By", "by_whom"),
    ),
    empty="Nobody did so. Widen the time, or take a filter away.",
    is_free=_names_player,
)

LISTINGS = (ROUNDS, TRANSACTIONS, CANCELLATIONS, REVIEWS, ACTION_LOG)
