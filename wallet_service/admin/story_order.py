"""The order of a story: by time, and what one call did together stands together, its cause first.

Within a call the database writes in an order of its own, microseconds apart: a review before the refusal that opens it,
its end before the refund that ends it, and what a person decided after the money that it moved.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wallet_service.admin.story_reads import (
    ActionEntry,
    AttemptEntry,
    RefusalEntry,
    ReviewEntry,
    RoundHead,
    TransactionEntry,
)

__all__ = ["Event", "in_order"]

BEFORE, BY_TIME, AFTER = -1, 0, 1


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a timeline. ``kind`` says which of the entries ``what`` is."""

    at: datetime
    kind: str
    what: TransactionEntry | RefusalEntry | AttemptEntry | ReviewEntry | ActionEntry | RoundHead


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return the entries in the order in which a person understands them."""
    found = list(events)

    def place(event: Event) -> tuple[datetime, int]:
        match event.kind, event.what:
            case "action", ActionEntry() as action:
                return _first(event, BEFORE, (one.at for one in found if _is_made_by(action, one)))
            case "review", ReviewEntry() as review:
                return _first(event, AFTER, (one.at for one in found if _opens(review, one)))
            case "reviewed", ReviewEntry() as review:
                ends = max((one.at for one in found if _closes(review, one)), default=event.at)
                return max(ends, event.at), AFTER
        return event.at, BY_TIME

    return sorted(found, key=place)  # stably: a wallet's transactions have an order of their own where times are equal


def _first(event: Event, rank: int, moments: Iterable[datetime]) -> tuple[datetime, int]:
    moment = min(moments, default=None)
    return (moment, rank) if moment else (event.at, BY_TIME)


def _is_made_by(action: ActionEntry, event: Event) -> bool:
    return isinstance(event.what, TransactionEntry) and event.what.id == action.transaction_id


def _opens(review: ReviewEntry, event: Event) -> bool:
    """Tell whether the entry may be what a review was opened for: the first of these is."""
    if review.reason == "reconciliation" or event.at < review.opened_at:
        return False
    match event.what:
        case RefusalEntry() | TransactionEntry():
            of_this = event.what.reference == review.reference if review.reference else event.what.call == "refund"
            return of_this and event.what.call in {"refund", "cancel", "result"}
    return False


def _closes(review: ReviewEntry, event: Event) -> bool:
    match review.resolution, event.what:
        case "refunded", TransactionEntry(call="refund" | "reversal"):
            return True
        case "paid", TransactionEntry(call="result") as result:
            return result.reference == review.reference
        case "left", ActionEntry(kind="leave") as action:
            return (action.reason, action.reference) == (review.reason, review.reference)
    return False
