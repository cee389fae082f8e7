"""The pages of one round and of one transaction: the answer to a dispute."""

from dataclasses import dataclass
from uuid import UUID

from flask import Flask, Response
from sqlalchemy import Connection, Engine
from werkzeug.exceptions import NotFound

from wallet_service.admin import story_reads as reads_of
from wallet_service.admin.addresses import ENDINGS
from wallet_service.admin.pages import show
from wallet_service.admin.story_order import Event, in_order
from wallet_service.admin.story_reads import ActionEntry, RefusalEntry, RoundHead
from wallet_service.ledger.cancellation_reads import CancellationRow
from wallet_service.ledger.outcomes import Outcome
from wallet_service.versions.outcome_page import OPS, plain_meanings, wire_answers

__all__ = ["story_of", "story_routes"]

TOLD_BY_ATTEMPTS = "cancel"
"""The kind of action that the attempts tell with Lucky Monaco's answers."""


@dataclass(frozen=True, slots=True)
class RoundStory:
    """What a round's page shows; ``head`` is ``None`` where the wallet knows only what was said about the round."""

    head: RoundHead | None
    events: list[Event]
    cancellations: list[CancellationRow]
    answered: list[UUID]
    """Those of the cancellations that the round's refund answered or, where somebody decided it, closed."""
    decision: ActionEntry | None
    """What somebody decided, where that made the refund."""
    came_with: dict[str, UUID]
    """Promo wins that a result brought along, and that result, by their transactions' ids."""
    cut: bool
    """Whether there is more than a page shows."""


def story_routes(app: Flask, reads: Engine) -> None:
    """Add the routes."""
    meanings = plain_meanings()
    explained = {
        str(outcome): {
            "meaning": meanings[outcome],
            "what_to_do": OPS[outcome].replace("`", ""),
            "answers": {version: answer.replace("`", "") for version, answer in wire_answers(outcome).items()},
        }
        for outcome in Outcome
    }

    def round_page(user_id: str, round_id: str) -> Response:
        with reads.connect() as connection:
            story = story_of(connection, user_id, round_id)
        if story.head is None and not story.events:
            raise NotFound(f"Player {user_id} has no round {round_id}, and nobody has asked about one.")
        refused = {event.what.outcome for event in story.events if isinstance(event.what, RefusalEntry)}
        outcomes = {name: explained[name] for name in sorted(refused) if name in explained}
        data = {"user_id": user_id, "round_id": round_id, "story": story, "outcomes": outcomes}
        return show("round", data)

    def transaction_page(user_id: str, transaction_id: UUID) -> Response:
        with reads.connect() as connection:
            found = reads_of.transaction_of(connection, user_id, transaction_id)
            if found is None:
                raise NotFound(f"Player {user_id} has no transaction {transaction_id}.")
            answered = reads_of.refunded_by(connection, user_id, transaction_id)
            attempts = reads_of.attempts_of(connection, user_id, answered)
            actions = reads_of.actions_of_transaction(connection, user_id, transaction_id)
        data = {
            "transaction": found,
            "balance_before": found.balance_before,
            "answer": {"transaction_id": found.id, "outcome": Outcome.APPLIED, "meaning": meanings[Outcome.APPLIED]},
            "attempts": attempts,
            "actions": actions,
        }
        return show("transaction", data)

    for ending, prefix in ENDINGS:
        path = f"/players/<name:user_id>/rounds/<{prefix}id:round_id>{ending}"
        app.add_url_rule(path, "round_page", round_page)
    for suffix in ("", ".json"):
        path = f"/players/<name:user_id>/transactions/<uuid:transaction_id>{suffix}"
        app.add_url_rule(path, "transaction_page", transaction_page)


def story_of(connection: Connection, user_id: str, round_id: str) -> RoundStory:
    """Return everything that is known about a player's round, in the order of time."""
    head = reads_of.head_of(connection, user_id, round_id)
    cancellations = reads_of.cancellations_of_round(connection, user_id, round_id)
    attempts = reads_of.attempts_of(connection, user_id, [row.id for row in cancellations])
    transactions = reads_of.transactions_of_round(connection, user_id, round_id)
    refusals = reads_of.refusals_of_round(connection, user_id, round_id)
    reviews = reads_of.reviews_of_round(connection, user_id, round_id)
    actions = reads_of.actions_of_round(connection, user_id, round_id)
    events = [Event(entry.at, "transaction", entry) for entry in transactions]
    events += [Event(entry.first_at, "refusal", entry) for entry in refusals]
    events += [Event(entry.asked_at, "asked", entry) for entry in attempts]
    events += [Event(entry.answered_at, "answered", entry) for entry in attempts if entry.answered_at]
    events += [Event(entry.opened_at, "review", entry) for entry in reviews]
    events += [Event(entry.closed_at, "reviewed", entry) for entry in reviews if entry.closed_at]
    events += [Event(entry.at, "action", entry) for entry in actions if entry.kind != TOLD_BY_ATTEMPTS]
    if head and head.ended_at:
        events.append(Event(head.ended_at, "ended", head))
    fullest = max(len(transactions), len(refusals), len(attempts), len(reviews), len(actions))
    refund_id = head.refund_id if head else None
    results = {entry.sent: entry.id for entry in transactions if entry.call == "result"}
    return RoundStory(
        head,
        in_order(events),
        cancellations,
        reads_of.refunded_by(connection, user_id, refund_id) if refund_id else [],
        next((entry for entry in actions if refund_id and entry.transaction_id == refund_id), None),
        {
            str(entry.id): results[entry.sent]
            for entry in transactions
            if entry.call == "promo_win" and entry.sent in results
        },
        cut=fullest == reads_of.MOST_ENTRIES,
    )
