"""What a typed word may name: a player, a round, a transaction, or what a caller called one, even one in vain."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, select

from wallet_service.ledger.models import Cancellation, Player, Refusal, Review, Round, Transaction
from wallet_service.ledger.round_reads import state_by_bets

__all__ = ["MAX_FOUND", "Found", "find"]

MAX_FOUND = 50
"""Of each kind. A live table's round may have more players; the list of rounds shows them all."""


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that the word names; ``what`` says what kind of word it was for it.

    Its page is the transaction's or, without one, the round's or, without one, the player's.
    """

    what: Literal["player", "round", "transaction", "reference", "refusal", "cancellation", "review"]
    user_id: str
    round_id: str | None = None
    transaction_id: UUID | None = None
    call: str | None = None
    state: str | None = None
    at: datetime | None = None


def find(connection: Connection, word: str) -> list[Found]:
    """Return what has exactly this name, whoever's it is; what is on one page is one thing."""
    things = (*_players_and_rounds(connection, word), *_transactions(connection, word), *_in_vain(connection, word))
    pages: dict[tuple[str, str | None, UUID | None], Found] = {}
    for found in things:
        pages.setdefault((found.user_id, found.round_id, found.transaction_id), found)
    return list(pages.values())


def _players_and_rounds(connection: Connection, word: str) -> Iterator[Found]:
    players = select(Player.user_id, Player.state, Player.created_at).where(Player.user_id == word)
    for row in connection.execute(players):
        yield Found("player", row.user_id, state=row.state, at=row.created_at)
    rounds = (
        select(Round.user_id, Round.round_id, state_by_bets().label("state"), Round.opened_at)
        .where(Round.round_id == word)
        .order_by(Round.opened_at.desc())
        .limit(MAX_FOUND)
    )
    for found in connection.execute(rounds):
        yield Found("round", found.user_id, found.round_id, state=found.state, at=found.opened_at)


def _transactions(connection: Connection, word: str) -> Iterator[Found]:
    transactions = select(Transaction.user_id, Transaction.round_id, Transaction.id, Transaction.call, Transaction.at)
    transaction_id = _uuid(word)
    if transaction_id:
        by_id = transactions.where(Transaction.id == transaction_id)
        for row in connection.execute(by_id):
            yield Found("transaction", *row[:4], at=row.at)
    by_reference = transactions.where(Transaction.reference == word).order_by(Transaction.at.desc()).limit(MAX_FOUND)
    for row in connection.execute(by_reference):
        yield Found("reference", *row[:4], at=row.at)


def _in_vain(connection: Connection, word: str) -> Iterator[Found]:
    """Yield what may have moved no money: it was refused, asked of Lucky Monaco, or waits for a decision.

    In no order: of a name that was refused very often, no more is read than is shown.
    """
    refusals = select(Refusal.user_id, Refusal.round_id, Refusal.call, Refusal.first_at)
    for named in (Refusal.reference, Refusal.round_id):
        for row in connection.execute(refusals.where(named == word).limit(MAX_FOUND)):
            yield Found("refusal", row.user_id, row.round_id, call=row.call, at=row.first_at)
    cancellations = select(Cancellation.user_id, Cancellation.round_id, Cancellation.requested_at)
    for asked in connection.execute(cancellations.where(Cancellation.round_id == word).limit(MAX_FOUND)):
        yield Found("cancellation", asked.user_id, asked.round_id, at=asked.requested_at)
    reviews = select(Review.user_id, Review.round_id, Review.opened_at)
    for named in (Review.reference, Review.round_id):
        for review in connection.execute(reviews.where(named == word).limit(MAX_FOUND)):
            yield Found("review", review.user_id, review.round_id, at=review.opened_at)


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
