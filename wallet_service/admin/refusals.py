"""What was asked of a known player in vain: the list of it, and a player's latest on the player's page."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from wallet_service.admin.filters import PLAYER, ROUND, Filter
from wallet_service.admin.listing import Column, Listing
from wallet_service.ledger.models import Refusal

__all__ = ["MOST_REFUSALS", "REFUSALS", "RefusalRow", "latest_refusals_of"]

MOST_REFUSALS = 20
"""On a player's page."""
CALLS = (
    "check",
    "balance",
    "bet",
    "result",
    "end_round",
    "cancel",
    "refund",
    "promo_win",
    "bonus_win",
    "jackpot_win",
    "deposit",
    "withdrawal",
    "credit",
    "debit",
)
OUTCOMES = (
    "wallet_unknown",
    "currency_mismatch",
    "round_refunded",
    "bet_cancelled",
    "reference_reused",
    "round_settled",
    "reversal_not_covered",
    "bet_in_another_round",
    "last_bet_of_settled_round",
    "bets_cancelled",
    "round_without_bet",
    "round_ended",
    "player_frozen",
    "insufficient_balance",
)
"""Those that are remembered, in the order of precedence; the others name no known player, or nothing that is stored."""

REFUSALS = Listing(
    name="refusals",
    title="Refusals",
    columns=(
        Column("last_at", "Last asked", Refusal.last_at, "time"),
        Column("first_at", "First asked", Refusal.first_at, "time"),
        Column("user_id", "Player", Refusal.user_id, "player"),
        Column("call", "Call", Refusal.call, "word"),
        Column("round_id", "Round", Refusal.round_id, "round"),
        Column("reference", "Reference", Refusal.reference, "id"),
        Column("stated", "Stated amount", Refusal.stated, "amount"),
        Column("currency", "Currency", Refusal.currency, "word"),
        Column("outcome", "Outcome", Refusal.outcome, "word"),
        Column("times", "Times asked", Refusal.times, "number"),
    ),
    key=("first_at", "user_id", "call", "reference", "outcome"),
    filters=(
        PLAYER,
        ROUND,
        Filter("call", "Call", "call", "choice", CALLS),
        Filter("outcome", "Outcome", "outcome", "choice", OUTCOMES),
    ),
    empty="Nothing was refused so.",
    free_by=("player", "round"),
)
"""The time of a row is the one at which it was first asked: that never changes."""


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """What was refused: the first and the last time, and how often it was asked."""

    call: str
    round_id: str | None
    reference: str
    stated: Decimal | None
    currency: str | None
    outcome: str
    times: int
    first_at: datetime
    last_at: datetime


def latest_refusals_of(connection: Connection, user_id: str) -> list[RefusalRow]:
    """Return what was refused to a player, the last to be first asked first, at most ``MOST_REFUSALS``."""
    columns = [getattr(Refusal, item.name) for item in fields(RefusalRow)]
    query = select(*columns).where(Refusal.user_id == user_id).order_by(Refusal.first_at.desc()).limit(MOST_REFUSALS)
    return [RefusalRow(*row) for row in connection.execute(query)]
