"""What people read before they act, and the record of what was done."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from wallet_service.ledger.models import Action, Review
from wallet_service.ledger.money import format_money

__all__ = ["ActionRow", "ReviewState", "action_of", "changes_of", "decision_of", "review_of", "state_changes_of"]

MOST_ACTIONS = 1000
"""Of one player's that are read at once; the latest ones."""
STATE_CHANGES = ("freeze", "unfreeze")
DECISIONS = ("refund", "leave")


@dataclass(frozen=True, slots=True)
class ActionRow:
    """An entry of the action log: who did what, when, to whom, what it changed, and why."""

    user_id: str
    id: UUID
    kind: str
    round_id: str | None
    reason: str | None
    reference: str | None
    transaction_id: UUID | None
    by_whom: str
    why: str
    at: datetime
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ReviewState:
    """A review, open or closed."""

    user_id: str
    round_id: str
    reason: str
    reference: str
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    resolution: str | None


_ACTION = tuple(getattr(Action, item.name) for item in fields(ActionRow))
_REVIEW = tuple(getattr(Review, item.name) for item in fields(ReviewState))


def action_of(connection: Connection, user_id: str, action_id: UUID) -> ActionRow | None:
    """Return an entry of the log; ``user_id`` is empty where it is about no player."""
    return next(iter(_actions(connection, Action.user_id == user_id, Action.id == action_id)), None)


def state_changes_of(connection: Connection, user_id: str) -> list[ActionRow]:
    """Return when the player was last frozen and unfrozen, the oldest first, at most ``MOST_ACTIONS`` times."""
    return _actions(connection, Action.user_id == user_id, Action.kind.in_(STATE_CHANGES))


def decision_of(connection: Connection, review: ReviewState) -> ActionRow | None:
    """Return what a person decided about a review; ``None`` where it is open, or closed of itself."""
    decided = _actions(
        connection,
        Action.user_id == review.user_id,
        Action.kind.in_(DECISIONS),
        Action.round_id == review.round_id,
        Action.reason == review.reason,
        Action.reference == review.reference,
    )
    return decided[-1] if decided else None


def review_of(connection: Connection, user_id: str, round_id: str, reason: str, reference: str) -> ReviewState | None:
    """Return a review by its key."""
    query = select(*_REVIEW).where(
        Review.user_id == user_id,
        Review.round_id == round_id,
        Review.reason == reason,
        Review.reference == reference,
    )
    row = connection.execute(query).one_or_none()
    return ReviewState(*row) if row else None


def changes_of(written: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what the log has as before or after, its balance as money is written."""
    if not written or written.get("balance") is None:
        return written
    return written | {"balance": format_money(Decimal(written["balance"]))}


def _actions(connection: Connection, *conditions: ColumnElement[bool]) -> list[ActionRow]:
    query = select(*_ACTION).where(*conditions).order_by(Action.at.desc(), Action.id.desc()).limit(MOST_ACTIONS)
    rows = (ActionRow(*row) for row in reversed(connection.execute(query).all()))
    return [replace(row, before=changes_of(row.before), after=changes_of(row.after)) for row in rows]
