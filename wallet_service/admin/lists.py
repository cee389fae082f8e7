"""The lists of the desk, each as one table of its columns and filters."""

from sqlalchemy import ColumnElement, and_, func, literal_column, select, true

from wallet_service.admin.action_list import ACTION_LOG
from wallet_service.admin.filters import PLAYER, ROUND, Filter
from wallet_service.admin.listing import Column, Listing
from wallet_service.admin.refusals import REFUSALS
from wallet_service.ledger.cancellation_reads import STATES, state_by_now
from wallet_service.ledger.models import Action, Cancellation, CancellationAttempt, Review, Round, Transaction
from wallet_service.ledger.round_reads import state_by_bets

__all__ = ["LISTINGS", "ROUNDS"]

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
ROUND_STATES = ("open", "settled", "ended", "refunded", "cancelled")
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

CURRENCY = Filter("currency", "Currency", "currency")
ROUND_OPEN = Round.state == literal_column("'open'")


def _amounts(column: str, label: str) -> tuple[Filter, Filter]:
    """Return the filters of a range of amounts, whichever way the money went."""
    return (
        Filter("least", f"{label} from", column, "amount", compare=lambda of, value: func.abs(of) >= value),
        Filter("most", f"{label} to", column, "amount", compare=lambda of, value: func.abs(of) <= value),
    )


def _in_round(column: ColumnElement[str], round_id: str) -> ColumnElement[bool]:
    """Ask for a round's transactions through its players, whose transactions an index finds."""
    return and_(column == round_id, Transaction.user_id.in_(select(Round.user_id).where(Round.round_id == round_id)))


def _review_in_state(column: ColumnElement[str], state: str) -> ColumnElement[bool]:
    return true() if state == "all" else column == state


GAME_OF_TRANSACTION = (
    select(Round.game_id)
    .where(Round.user_id == Transaction.user_id, Round.round_id == Transaction.round_id)
    .correlate(Transaction)
    .scalar_subquery()
)
"""Looked up row by row, so that no plan reads the rounds whole."""

LATEST_ATTEMPT = (
    select(
        CancellationAttempt.by_whom, CancellationAttempt.why, CancellationAttempt.answer, CancellationAttempt.message
    )
    .where(
        CancellationAttempt.user_id == Cancellation.user_id,
        CancellationAttempt.cancellation_id == Cancellation.id,
    )
    .order_by(CancellationAttempt.asked_at.desc(), CancellationAttempt.id.desc())
    .limit(1)
    .correlate(Cancellation)
    .lateral("latest_attempt")
)
"""One attempt of each cancellation, whatever their times: more would show the cancellation more than once."""

REFUND_DECIDED_BY = (
    select(Action.by_whom)
    .where(Action.user_id == Cancellation.user_id, Action.id == Cancellation.refund_id)
    .correlate(Cancellation)
    .scalar_subquery()
)
"""A decision's entry in the action log has the id of the refund that it made."""


ROUNDS = Listing(
    name="rounds",
    title="Rounds",
    columns=(
        Column("opened_at", "Opened", Round.opened_at, "time"),
        Column("round_id", "Round", Round.round_id, "round"),
        Column("user_id", "Player", Round.user_id, "player"),
        Column("game_id", "Game", Round.game_id, "id"),
        Column("state", "State", state_by_bets(), "state"),
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
        Filter("state", "State", "state", "choice", ROUND_STATES, queue="open", waiting=ROUND_OPEN),
        *_amounts("staked", "Staked"),
    ),
    empty="No round was opened so.",
    free_by=("player", "round"),
)

TRANSACTIONS = Listing(
    name="transactions",
    title="Transactions",
    columns=(
        Column("at", "At", Transaction.at, "time"),
        Column("call", "Call", Transaction.call, "word"),
        Column("user_id", "Player", Transaction.user_id, "player"),
        Column("round_id", "Round", Transaction.round_id, "round"),
        Column("game_id", "Game", GAME_OF_TRANSACTION, "id"),
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
        Filter("game", "Game", "game_id"),
        CURRENCY,
        Filter("call", "Call", "call", "choice", CALLS),
        Filter("reference", "Reference", "reference"),
        *_amounts("amount", "Amount"),
    ),
    empty="No money moved so.",
    free_by=("player", "round"),
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
        Column("answer", "They said", LATEST_ATTEMPT.c.answer, "state"),
        Column("refund_by", "Refund decided by", REFUND_DECIDED_BY, "id"),
        Column("asked_at", "Last asked", Cancellation.asked_at, "time"),
        Column("due_at", "Awaited until", Cancellation.due_at, "time"),
        Column("refunded_at", "Refunded", Cancellation.refunded_at, "time"),
        Column("by_whom", "By", LATEST_ATTEMPT.c.by_whom, "id"),
        Column("why", "Why", LATEST_ATTEMPT.c.why),
        Column("message", "In words", LATEST_ATTEMPT.c.message),
        Column("id", "Cancellation", Cancellation.id, "id"),
    ),
    key=("requested_at", "id"),
    filters=(
        PLAYER,
        Filter("round", "Round", "round_id"),
        Filter("game", "Game", "game_id"),
        Filter("state", "State", "state", "choice", STATES, queue="overdue", waiting=Cancellation.due_at.is_not(None)),
    ),
    empty="No cancellation was asked for so.",
    free_by=("player",),
    joined=lambda query: query.join(LATEST_ATTEMPT, true()),
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
        Column("staked", "Staked", Round.staked, "amount"),
        Column("cancelled", "Cancelled", Round.cancelled, "amount"),
        Column("won", "Won", Round.won, "amount"),
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
        Filter(
            "state",
            "State",
            "state",
            "choice",
            REVIEW_STATES,
            _review_in_state,
            queue="open",
            waiting=Review.closed_at.is_(None),
            default="open",
        ),
    ),
    empty="Nothing waits for a decision here.",
    free_by=("player",),
    joined=lambda query: query.join_from(
        Review, Round, and_(Round.user_id == Review.user_id, Round.round_id == Review.round_id), isouter=True
    ),
)

LISTINGS = (ROUNDS, TRANSACTIONS, REFUSALS, CANCELLATIONS, REVIEWS, ACTION_LOG)
