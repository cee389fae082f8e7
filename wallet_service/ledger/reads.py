"""What people read in the ledger. Nothing here is part of a wallet call."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, select

from wallet_service.ledger.models import Player, Review, Transaction, Wallet

__all__ = [
    "ReviewRow",
    "TransactionRow",
    "WalletRow",
    "open_reviews",
    "transactions_of",
    "wallets_of",
]


@dataclass(frozen=True, slots=True)
class WalletRow:
    """A wallet as it stands, and its player's state (``active`` or ``frozen``)."""

    user_id: str
    state: str
    currency: str
    balance: Decimal
    opening_balance: Decimal
    transactions: int


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """A line of the log. ``amount`` is signed as the wallet sees it."""

    id: UUID
    user_id: str
    seq: int
    at: datetime
    call: str
    round_id: str | None
    reference: str
    currency: str
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A round that waits for a decision; ``round_id``, ``reason`` and ``reference`` are the review's key."""

    opened_at: datetime
    user_id: str
    round_id: str
    reason: str
    reference: str
    currency: str


_TRANSACTION_COLUMNS = tuple(getattr(Transaction, item.name) for item in fields(TransactionRow))


def wallets_of(connection: Connection, user_id: str) -> list[WalletRow]:
    """Return the player's wallets by currency; none where the player is unknown."""
    rows = connection.execute(
        select(Wallet.user_id, Player.state, Wallet.currency, Wallet.balance, Wallet.opening_balance, Wallet.seq)
        .join(Player, Player.user_id == Wallet.user_id)
        .where(Wallet.user_id == user_id)
        .order_by(Wallet.currency)
    )
    return [WalletRow(*row) for row in rows]


def transactions_of(
    connection: Connection, *, user_id: str | None = None, round_id: str | None = None
) -> Iterator[TransactionRow]:
    """Yield the log of a player, of a round, or of one player's part in a round, in the order it was written.

    Wallets of several players or currencies follow one another.
    """
    query = select(*_TRANSACTION_COLUMNS).order_by(Transaction.user_id, Transaction.currency, Transaction.seq)
    if user_id is not None:
        query = query.where(Transaction.user_id == user_id)
    if round_id is not None:
        query = query.where(Transaction.round_id == round_id)
    for row in connection.execution_options(yield_per=1000).execute(query):
        yield TransactionRow(*row)


def open_reviews(connection: Connection, *, user_id: str | None = None) -> list[ReviewRow]:
    """Return the open reviews, of one player or of all, the oldest first."""
    query = (
        select(Review.opened_at, Review.user_id, Review.round_id, Review.reason, Review.reference, Review.currency)
        .where(Review.closed_at.is_(None))
        .order_by(Review.opened_at)
    )
    if user_id is not None:
        query = query.where(Review.user_id == user_id)
    return [ReviewRow(*row) for row in connection.execute(query)]
