"""What a typed word may name: a player, a round, a transaction, or what a caller called one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, select

from wallet_service.ledger.models import Player, Round, Transaction

__all__ = ["MAX_FOUND", "Found", "find"]

MAX_FOUND = 50
"""Of each kind. A live table's round may have more players; the list of rounds shows them all."""


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that the word names; ``what`` says what kind of word it was for it."""

    what: Literal["player", "round", "transaction", "reference"]
    user_id: str
    round_id: str | None = None
    transaction_id: UUID | None = None
    call: str | None = None
    state: str | None = None
    at: datetime | None = None


def find(connection: Connection, word: str) -> list[Found]:
    """Return what has exactly this name, whoever's it is."""
    players = select(Player.user_id, Player.state, Player.created_at).where(Player.user_id == word)
    found = [Found("player", row.user_id, state=row.state, at=row.created_at) for row in connection.execute(players)]
    rounds = (
        select(Round.user_id, Round.round_id, Round.state, Round.opened_at)
        .where(Round.round_id == word)
        .order_by(Round.opened_at.desc())
        .limit(MAX_FOUND)
    )
    found += [
        Found("round", row.user_id, row.round_id, state=row.state, at=row.opened_at)
        for row in connection.execute(rounds)
    ]
    transactions = select(Transaction.user_id, Transaction.round_id, Transaction.id, Transaction.call, Transaction.at)
    by_reference = transactions.where(Transaction.reference == word).order_by(Transaction.at.desc()).limit(MAX_FOUND)
    transaction_id = _uuid(word)
    if transaction_id:
        by_id = transactions.where(Transaction.id == transaction_id)
        found += [Found("transaction", row[0], *row[1:4], at=row.at) for row in connection.execute(by_id)]
    found += [Found("reference", row[0], *row[1:4], at=row.at) for row in connection.execute(by_reference)]
    return found


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
