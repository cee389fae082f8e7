"""What people read about cancellations: those that were asked for, and the rounds that could be."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Text, and_, case, cast, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from wallet_service.ledger.models import Cancellation, CancellationAttempt, CancellationRound, Round
from wallet_service.ledger.round_reads import HAS_A_BET, RoundKey

__all__ = [
    "STATES",
    "CancellationRow",
    "StaleRound",
    "cancellation_of",
    "cancellations_of",
    "rounds_asked_for",
    "stale_rounds",
    "state_by_now",
]

STATES = ("requested", "accepted", "refunded", "refused", "unknown", "overdue")


@dataclass(frozen=True, slots=True)
class CancellationRow:
    """A cancellation and its latest attempt.

    ``state`` is one of ``STATES``. ``round_id`` is ``None`` where it is about every open round of the game. Until
    ``due_at`` the answer or the Refund is awaited. ``answer`` is Lucky Monaco's: ``accepted``, ``refused`` or
    ``unknown``.
    """

    user_id: str
    id: UUID
    round_id: str | None
    game_id: str | None
    state: str
    requested_at: datetime
    due_at: datetime | None
    refunded_at: datetime | None
    refund_id: UUID | None
    attempts: int
    asked_at: datetime
    by_whom: str
    why: str
    answer: str | None
    code: str | None
    message: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class StaleRound:
    """An open round that nobody's cancellation is under way for. ``stake`` is what its refund would return."""

    user_id: str
    round_id: str
    game_id: str | None
    currency: str
    stake: Decimal
    opened_at: datetime
    state: str | None
    """Its cancellation's, where it was asked for before: ``refused``, ``unknown`` or ``overdue``."""


def state_by_now() -> ColumnElement[str]:
    """Return the state as it is by now: what was awaited in vain is unknown or overdue."""
    late = Cancellation.due_at <= func.now()
    return case(
        (and_(late, Cancellation.state == "requested"), "unknown"),
        (and_(late, Cancellation.state == "accepted"), "overdue"),
        else_=Cancellation.state,
    )


def cancellations_of(
    connection: Connection,
    *,
    user_id: str | None = None,
    ids: Collection[UUID] | None = None,
    round_id: str | None = None,
    game_id: str | None = None,
    state: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[CancellationRow]:
    """Return the cancellations that fit every filter given, the newest first."""
    attempt = CancellationAttempt
    latest = and_(
        attempt.user_id == Cancellation.user_id,
        attempt.cancellation_id == Cancellation.id,
        attempt.asked_at == Cancellation.asked_at,
    )
    attempts = (
        select(func.count())
        .select_from(attempt)
        .where(attempt.user_id == Cancellation.user_id, attempt.cancellation_id == Cancellation.id)
        .correlate(Cancellation)
        .scalar_subquery()
    )
    query = (
        select(
            Cancellation.user_id,
            Cancellation.id,
            Cancellation.round_id,
            Cancellation.game_id,
            state_by_now(),
            Cancellation.requested_at,
            Cancellation.due_at,
            Cancellation.refunded_at,
            Cancellation.refund_id,
            attempts,
            Cancellation.asked_at,
            attempt.by_whom,
            attempt.why,
            attempt.answer,
            attempt.code,
            attempt.message,
            attempt.answered_at,
        )
        .join(attempt, latest)
        .order_by(Cancellation.requested_at.desc(), Cancellation.id.desc())
        .limit(limit)
    )
    for filtered, value in (
        (Cancellation.user_id, user_id),
        (Cancellation.round_id, round_id),
        (Cancellation.game_id, game_id),
        (state_by_now(), state),
    ):
        if value is not None:
            query = query.where(filtered == value)
    if ids is not None:
        query = query.where(Cancellation.id.in_(ids))
    if since is not None:
        query = query.where(Cancellation.asked_at >= since)
    return [CancellationRow(*row) for row in connection.execute(query)]


def cancellation_of(
    connection: Connection, user_id: str, round_id: str | None, game_id: str | None
) -> CancellationRow | None:
    """Return the latest cancellation that the round is among or, without a round, the game's latest one."""
    query = select(Cancellation.id).where(Cancellation.user_id == user_id)
    if round_id is None:
        query = query.where(Cancellation.round_id.is_(None), Cancellation.game_id == game_id)
    else:
        query = query.join(
            CancellationRound,
            and_(
                CancellationRound.user_id == Cancellation.user_id,
                CancellationRound.cancellation_id == Cancellation.id,
                CancellationRound.round_id == round_id,
            ),
        )
    latest = connection.scalar(query.order_by(Cancellation.asked_at.desc()).limit(1))
    return next(iter(cancellations_of(connection, user_id=user_id, ids=[latest])), None) if latest else None


def rounds_asked_for(connection: Connection, keys: Collection[RoundKey]) -> dict[RoundKey, tuple[str, datetime]]:
    """Return the state of each round's own cancellation and when it was last asked for, by one statement."""
    users, rounds = (cast([key[part] for key in keys], ARRAY(Text)) for part in (0, 1))
    named = func.unnest(users, rounds).table_valued(column("user_id", Text), column("round_id", Text)).render_derived()
    query = select(named.c.user_id, named.c.round_id, state_by_now(), Cancellation.asked_at).join_from(
        named, Cancellation, and_(named.c.user_id == Cancellation.user_id, named.c.round_id == Cancellation.round_id)
    )
    return {(user_id, round_id): (state, asked_at) for user_id, round_id, state, asked_at in connection.execute(query)}


def stale_rounds(
    connection: Connection,
    *,
    opened_before: datetime,
    game_id: str | None = None,
    currency: str | None = None,
    limit: int,
) -> list[StaleRound]:
    """Return open rounds with a bet that stands: those first that nobody asked to cancel yet, then the oldest.

    Left out are rounds whose cancellation is under way, by themselves or with the open rounds of their game.
    """
    asked_for = aliased(Cancellation)
    under_way = (
        select(asked_for.id)
        .join(
            CancellationRound,
            and_(CancellationRound.user_id == asked_for.user_id, CancellationRound.cancellation_id == asked_for.id),
        )
        .where(
            CancellationRound.user_id == Round.user_id,
            CancellationRound.round_id == Round.round_id,
            asked_for.due_at > func.now(),
        )
        .exists()
    )
    query = (
        select(
            Round.user_id,
            Round.round_id,
            Round.game_id,
            Round.currency,
            Round.staked - Round.cancelled,
            Round.opened_at,
            state_by_now(),
        )
        .outerjoin(Cancellation, and_(Cancellation.user_id == Round.user_id, Cancellation.round_id == Round.round_id))
        .where(
            Round.state == "open",
            HAS_A_BET,
            Round.opened_at < opened_before,
            ~under_way,
        )
        .order_by(Cancellation.asked_at.asc().nulls_first(), Round.opened_at, Round.round_id)
        .limit(limit)
    )
    if game_id is not None:
        query = query.where(Round.game_id == game_id)
    if currency is not None:
        query = query.where(Round.currency == currency)
    return [StaleRound(*row) for row in connection.execute(query)]
