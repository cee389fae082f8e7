"""A wallet's statement for a period: where it stood, what moved, where it stands.

A wallet counts its transactions without a gap, so a statement is a stretch of that count: what it opens and closes with
are balances that the ledger wrote, and the arithmetic holds whatever a clock did.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from wallet_service.ledger.models import Transaction, Wallet
from wallet_service.ledger.reads import TransactionRow

__all__ = ["MOST_ENTRIES", "Statement", "statements_of"]

MOST_ENTRIES = 500
"""On one page, of all wallets together."""

_COLUMNS = tuple(getattr(Transaction, item.name) for item in fields(TransactionRow))


@dataclass(frozen=True, slots=True)
class Statement:
    """One wallet over a period: ``closing`` is ``opening`` plus ``net``, which is the sum of all its entries.

    ``entries`` are the first ones of the period, ``count`` is how many there are.
    """

    currency: str
    opening: Decimal
    entries: list[TransactionRow]
    count: int
    net: Decimal
    closing: Decimal


def statements_of(connection: Connection, user_id: str, start: datetime, end: datetime) -> list[Statement]:
    """Return the statement of each wallet that was open before ``end``, from ``start`` to before ``end``."""
    query = (
        select(Wallet.currency, Wallet.opening_balance, Wallet.seq)
        .where(Wallet.user_id == user_id, Wallet.opened_at < end)
        .order_by(Wallet.currency)
    )
    statements: list[Statement] = []
    room = MOST_ENTRIES
    for currency, opening_balance, last in connection.execute(query).all():
        before = _last_before(connection, user_id, currency, start, last)
        until = _last_before(connection, user_id, currency, end, last)
        opening, closing = (
            _balance_after(connection, user_id, currency, seq) if seq else opening_balance for seq in (before, until)
        )
        entries = _entries(connection, user_id, currency, before, until, room)
        room -= len(entries)
        statements.append(Statement(currency, opening, entries, until - before, closing - opening, closing))
    return statements


def _last_before(connection: Connection, user_id: str, currency: str, moment: datetime, last: int) -> int:
    """Return the number of the wallet's last transaction before a moment, 0 where there is none.

    By halving: some twenty looks into one index, for any wallet, and no index of its own on every wallet call's way.
    """
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) // 2
        query = select(Transaction.at).where(
            Transaction.user_id == user_id, Transaction.currency == currency, Transaction.seq == middle
        )
        if connection.execute(query).scalar_one() < moment:
            low = middle
        else:
            high = middle - 1
    return low


def _balance_after(connection: Connection, user_id: str, currency: str, seq: int) -> Decimal:
    query = select(Transaction.balance).where(
        Transaction.user_id == user_id, Transaction.currency == currency, Transaction.seq == seq
    )
    return connection.execute(query).scalar_one()


def _entries(
    connection: Connection, user_id: str, currency: str, before: int, until: int, most: int
) -> list[TransactionRow]:
    query = (
        select(*_COLUMNS)
        .where(
            Transaction.user_id == user_id,
            Transaction.currency == currency,
            Transaction.seq > before,
            Transaction.seq <= until,
        )
        .order_by(Transaction.seq)
        .limit(most)
    )
    return [TransactionRow(*row) for row in connection.execute(query)]
