"""Rounds as people and a comparison with another book read them: one, or many at a time."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, Text, and_, case, cast, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from wallet_service.ledger.models import Round

__all__ = ["HAS_A_BET", "RoundKey", "RoundRow", "round_of", "rounds_named", "rounds_opened", "state_by_bets"]

RoundKey = tuple[str, str]
"""The player and the round; several players may share a round's id."""
FETCHED = 1000
"""Rows in memory at once while rounds are streamed."""
HAS_A_BET = Round.bets > Round.bets_cancelled
"""A bet of the round stands. An open round without one is in nobody's way: nothing is in play."""


def state_by_bets() -> ColumnElement[str]:
    """Return the state as people mean it: an open round whose bets were all cancelled is ``cancelled``."""
    return case((and_(Round.state == "open", ~HAS_A_BET), "cancelled"), else_=Round.state)


@dataclass(frozen=True, slots=True)
class RoundRow:
    """A round as the wallet has it; the amounts are what its calls came to."""

    user_id: str
    round_id: str
    game_id: str | None
    currency: str
    state: str
    staked: Decimal
    cancelled: Decimal
    won: Decimal
    refunded: Decimal
    bets: int
    bets_cancelled: int
    opened_at: datetime

    @property
    def key(self) -> RoundKey:
        """The player and the round."""
        return self.user_id, self.round_id

    @property
    def standing(self) -> str:
        """The state as people mean it, as ``state_by_bets`` says it."""
        return "cancelled" if self.state == "open" and self.bets == self.bets_cancelled else self.state

    @property
    def is_void(self) -> bool:
        """Whether nothing of the round stands: it was refunded, or each of its bets was cancelled."""
        return self.state == "refunded" or 0 < self.bets == self.bets_cancelled


_COLUMNS = tuple(getattr(Round, item.name) for item in fields(RoundRow))


def rounds_opened(connection: Connection, start: datetime, end: datetime) -> Iterator[RoundRow]:
    """Yield the rounds that were opened from ``start`` to before ``end``, without holding them all."""
    query = select(*_COLUMNS).where(Round.opened_at >= start, Round.opened_at < end)
    for row in connection.execution_options(yield_per=FETCHED).execute(query):
        yield RoundRow(*row)


def rounds_named(connection: Connection, keys: Collection[RoundKey]) -> dict[RoundKey, RoundRow]:
    """Return those of the rounds that the wallet has, by one statement."""
    users, rounds = (cast([key[part] for key in keys], ARRAY(Text)) for part in (0, 1))
    named = func.unnest(users, rounds).table_valued(column("user_id", Text), column("round_id", Text)).render_derived()
    query = select(*_COLUMNS).join(named, (named.c.user_id == Round.user_id) & (named.c.round_id == Round.round_id))
    found = (RoundRow(*row) for row in connection.execute(query))
    return {row.key: row for row in found}


def round_of(connection: Connection, user_id: str, round_id: str) -> RoundRow | None:
    """Return a player's round, or ``None`` where the wallet does not have it."""
    return rounds_named(connection, [(user_id, round_id)]).get((user_id, round_id))
