"""A wallet's statement for a period: where it stood, what moved, where it stands.

A wallet counts its transactions without a gap, so a statement is a stretch of that count: what it opens and closes with
are balances that the ledger wrote, and the arithmetic holds whatever a clock did. A long one comes in parts, each a
stretch of its own. A wallet that was opened within the period opens with nothing, and with its first balance as a
movement, so that a period opens with what the one before it closed with.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from wallet_service.ledger.models import Transaction, Wallet
from wallet_service.ledger.money import ZERO
from wallet_service.ledger.reads import TransactionRow

__all__ = ["MOST_ENTRIES", "Opened", "Part", "Statement", "statements_of"]

MOST_ENTRIES = 500
"""On one page, of all its wallets together."""

_COLUMNS = tuple(getattr(Transaction, item.name) for item in fields(TransactionRow))


@dataclass(frozen=True, slots=True)
class Opened:
    """When the wallet was opened, and with how much."""

    at: datetime
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """The stretch of a statement that a page shows: ``closing`` is ``opening`` plus ``net``, the sum of its entries.

    The first part's sum has the amount that the wallet was ``opened`` with, too.

    ``first`` and ``last`` number its entries within the period, from 1; ``last`` is less than ``first`` where there are
    none.
    """

    first: int
    last: int
    opening: Decimal
    net: Decimal
    closing: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """One wallet over a period: ``closing`` is ``opening`` plus ``net``, which is the sum of all ``count`` entries.

    ``opened`` says that the wallet was opened within the period; its amount is in ``net``. ``entries`` are those of
    the ``part``. ``next`` and ``previous`` are what ``after`` is for the parts beside it; ``None`` where there is none.
    """

    currency: str
    opening: Decimal
    opened: Opened | None
    entries: list[TransactionRow]
    count: int
    net: Decimal
    closing: Decimal
    part: Part
    next: int | None
    previous: int | None


def statements_of(
    connection: Connection, user_id: str, start: datetime, end: datetime, *, currency: str = "", after: int = 0
) -> list[Statement]:
    """Return the statement of each wallet that was open before ``end``, from ``start`` to before ``end``.

    With a ``currency``, of that wallet alone, and the part of it that begins after the wallet's transaction number
    ``after``; otherwise each one's first part.
    """
    query = (
        select(Wallet.currency, Wallet.opening_balance, Wallet.seq, Wallet.opened_at)
        .where(Wallet.user_id == user_id, Wallet.opened_at < end)
        .order_by(Wallet.currency)
    )
    if currency:
        query = query.where(Wallet.currency == currency)
    wallets = connection.execute(query).all()
    room = max(MOST_ENTRIES // max(len(wallets), 1), 1)
    begin = after if currency else 0
    return [
        _statement(
            connection,
            user_id,
            wallet.currency,
            Opened(wallet.opened_at, wallet.opening_balance),
            wallet.seq,
            (start, end),
            begin,
            room,
        )
        for wallet in wallets
    ]


def _statement(
    connection: Connection,
    user_id: str,
    currency: str,
    opened: Opened,
    transactions: int,
    period: tuple[datetime, datetime],
    after: int,
    room: int,
) -> Statement:
    def balance_after(seq: int) -> Decimal:
        return _balance_after(connection, user_id, currency, seq) if seq else opened.amount

    before, until = (_last_before(connection, user_id, currency, moment, transactions) for moment in period)
    begin = min(max(after, before), until)
    end = min(begin + room, until)
    opening, closing, part_opening, part_closing = (balance_after(seq) for seq in (before, until, begin, end))
    is_opened = not before and period[0] <= opened.at
    if is_opened:
        opening, part_opening = ZERO, part_opening if begin else ZERO
    return Statement(
        currency,
        opening,
        opened if is_opened else None,
        _entries(connection, user_id, currency, begin, end),
        until - before,
        closing - opening,
        closing,
        Part(begin - before + 1, end - before, part_opening, part_closing - part_opening, part_closing),
        next=end if end < until else None,
        previous=max(begin - room, before) if begin > before else None,
    )


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


def _entries(connection: Connection, user_id: str, currency: str, before: int, until: int) -> list[TransactionRow]:
    query = (
        select(*_COLUMNS)
        .where(
            Transaction.user_id == user_id,
            Transaction.currency == currency,
            Transaction.seq > before,
            Transaction.seq <= until,
        )
        .order_by(Transaction.seq)
    )
    return [TransactionRow(*row) for row in connection.execute(query)]
