"""A round's story as the database has it: what moved, what was refused, who stepped in and what came of it."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, SQLColumnExpression, Text, cast, select

from wallet_service.ledger.cancellation_reads import CancellationRow, cancellations_of
from wallet_service.ledger.models import (
    Action,
    Base,
    CancellationAttempt,
    CancellationRound,
    Refusal,
    Review,
    Round,
    Transaction,
)
from wallet_service.ledger.round_reads import state_by_bets

__all__ = [
    "MOST_ENTRIES",
    "ActionEntry",
    "AttemptEntry",
    "RefusalEntry",
    "ReviewEntry",
    "RoundHead",
    "TransactionEntry",
    "actions_of_round",
    "actions_of_transaction",
    "attempts_of",
    "cancellations_of_round",
    "head_of",
    "refunded_by",
    "refusals_of_round",
    "reviews_of_round",
    "transaction_of",
    "transactions_of_round",
]

MOST_ENTRIES = 500
"""Of each kind that a page shows of one round; the earliest ones."""
JSON_COLUMNS = frozenset({"sent", "before", "after"})

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class RoundHead:
    """A round as it stands; the amounts are in units of its currency."""

    user_id: str
    round_id: str
    game_id: str | None
    currency: str
    state: str
    staked: Decimal
    won: Decimal
    cancelled: Decimal
    refunded: Decimal
    reversed: Decimal
    bets: int
    bets_cancelled: int
    opened_at: datetime
    ended_at: datetime | None
    refund_id: UUID | None


@dataclass(frozen=True, slots=True)
class TransactionEntry:
    """A transaction whole. ``sent`` is the request as JSON text; ``stated`` the amount that the caller named."""

    user_id: str
    id: UUID
    seq: int
    at: datetime
    call: str
    currency: str
    round_id: str | None
    reference: str
    bonus_code: str | None
    amount: Decimal
    stated: Decimal | None
    balance: Decimal
    sent: str

    @property
    def balance_before(self) -> Decimal:
        """What the wallet held before it."""
        return self.balance - self.amount


@dataclass(frozen=True, slots=True)
class RefusalEntry:
    """What was asked in vain: the first and the last time, and how often."""

    call: str
    reference: str
    outcome: str
    currency: str | None
    stated: Decimal | None
    times: int
    first_at: datetime
    last_at: datetime
    sent: str


@dataclass(frozen=True, slots=True)
class AttemptEntry:
    """One time that a cancellation was asked for, and Lucky Monaco's answer."""

    id: UUID
    cancellation_id: UUID
    by_whom: str
    why: str
    asked_at: datetime
    answer: str | None
    code: str | None
    message: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReviewEntry:
    """A wait for a person's decision, and how it ended."""

    reason: str
    reference: str
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    resolution: str | None


@dataclass(frozen=True, slots=True)
class ActionEntry:
    """What a person did. ``before`` and ``after`` are JSON text."""

    id: UUID
    at: datetime
    kind: str
    by_whom: str
    why: str
    reason: str | None
    reference: str | None
    transaction_id: UUID | None
    before: str | None
    after: str | None


def head_of(connection: Connection, user_id: str, round_id: str) -> RoundHead | None:
    """Return a player's round, its state as people mean it, or ``None`` where the wallet does not have it."""
    names = [item.name for item in fields(RoundHead)]
    columns = [state_by_bets() if name == "state" else getattr(Round, name) for name in names]
    row = connection.execute(select(*columns).where(Round.user_id == user_id, Round.round_id == round_id)).one_or_none()
    return RoundHead(*row) if row else None


def transactions_of_round(connection: Connection, user_id: str, round_id: str) -> list[TransactionEntry]:
    """Return the round's transactions in the order they were written."""
    of_round = Transaction.user_id == user_id, Transaction.round_id == round_id
    return _entries(connection, TransactionEntry, Transaction, *of_round, by=(Transaction.at, Transaction.seq))


def transaction_of(connection: Connection, user_id: str, transaction_id: UUID) -> TransactionEntry | None:
    """Return a player's transaction, or ``None`` where there is no such one."""
    this = Transaction.user_id == user_id, Transaction.id == transaction_id
    return next(iter(_entries(connection, TransactionEntry, Transaction, *this)), None)


def refusals_of_round(connection: Connection, user_id: str, round_id: str) -> list[RefusalEntry]:
    """Return what was refused in the round, by its first time."""
    of_round = Refusal.user_id == user_id, Refusal.round_id == round_id
    return _entries(connection, RefusalEntry, Refusal, *of_round, by=(Refusal.first_at,))


def cancellations_of_round(connection: Connection, user_id: str, round_id: str) -> list[CancellationRow]:
    """Return the cancellations that the round is among, its own or its game's, the oldest first."""
    query = select(CancellationRound.cancellation_id).where(
        CancellationRound.user_id == user_id, CancellationRound.round_id == round_id
    )
    ids = connection.scalars(query.limit(MOST_ENTRIES)).all()
    return cancellations_of(connection, user_id=user_id, ids=ids)[::-1] if ids else []


def refunded_by(connection: Connection, user_id: str, refund_id: UUID) -> list[UUID]:
    """Return the cancellations that a refund answered or, where somebody decided it, closed."""
    query = select(CancellationRound.cancellation_id).where(
        CancellationRound.user_id == user_id, CancellationRound.refund_id == refund_id
    )
    return list(connection.scalars(query))


def attempts_of(connection: Connection, user_id: str, cancellation_ids: list[UUID]) -> list[AttemptEntry]:
    """Return the attempts of some cancellations, the oldest first."""
    attempt = CancellationAttempt
    of_these = attempt.user_id == user_id, attempt.cancellation_id.in_(cancellation_ids)
    return _entries(connection, AttemptEntry, attempt, *of_these, by=(attempt.asked_at,))


def reviews_of_round(connection: Connection, user_id: str, round_id: str) -> list[ReviewEntry]:
    """Return the round's reviews, open and closed, the oldest first."""
    of_round = Review.user_id == user_id, Review.round_id == round_id
    return _entries(connection, ReviewEntry, Review, *of_round, by=(Review.opened_at,))


def actions_of_round(connection: Connection, user_id: str, round_id: str) -> list[ActionEntry]:
    """Return what people did about the round, the oldest first."""
    of_round = Action.user_id == user_id, Action.round_id == round_id
    return _entries(connection, ActionEntry, Action, *of_round, by=(Action.at,))


def actions_of_transaction(connection: Connection, user_id: str, transaction_id: UUID) -> list[ActionEntry]:
    """Return the action that made a transaction, if a person's did."""
    behind = Action.user_id == user_id, Action.transaction_id == transaction_id
    return _entries(connection, ActionEntry, Action, *behind, by=(Action.at,))


def _entries(
    connection: Connection,
    entry: type[Entry],
    model: type[Base],
    *where: ColumnElement[bool],
    by: tuple[SQLColumnExpression[Any], ...] = (),
) -> list[Entry]:
    """Select a model's columns by the names of an entry's fields; JSON as the text that was stored."""
    names = [item.name for item in fields(entry)]  # type: ignore[arg-type]  # each entry is a dataclass
    columns = [cast(getattr(model, name), Text) if name in JSON_COLUMNS else getattr(model, name) for name in names]
    query = select(*columns).where(*where).order_by(*by).limit(MOST_ENTRIES)
    return [entry(*row) for row in connection.execute(query)]
