"""What kinds of rounds there are, and everything that chance decides of one before its first message."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from random import Random

from wallet_service.sandbox.rounds import GAMES, Game

__all__ = ["Kind", "Plan", "make_plan"]


class Kind(StrEnum):
    """How a round goes."""

    PLAIN = "plain"
    SEVERAL = "several bets and results"
    LOST = "lost"
    FREE = "free"
    AUTO_CLOSING = "closed later"
    PROMO_CALL = "with a promo win"
    PROMO_IN_RESULT = "with a promo win in its result"
    OPEN = "left open"
    TAKEN_BACK = "its bet is cancelled"


WEIGHTS = {
    Kind.PLAIN: 30,
    Kind.SEVERAL: 15,
    Kind.LOST: 20,
    Kind.FREE: 10,
    Kind.AUTO_CLOSING: 5,
    Kind.PROMO_CALL: 5,
    Kind.PROMO_IN_RESULT: 5,
    Kind.OPEN: 5,
    Kind.TAKEN_BACK: 5,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a round is to go."""

    kind: Kind
    ordinal: int
    game: Game
    stakes: tuple[Decimal, ...]
    wins: tuple[Decimal, ...]
    promo: Decimal
    random: Random
    """Decides what befalls the messages."""


def make_plan(ordinal: int, random: Random) -> Plan:
    """Decide how a round is to go."""
    kind = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    amounts = [Decimal(random.randrange(10, 500)) / 100 for _ in range(7)]
    bets, wins = (random.randint(1, 3), random.randint(1, 3)) if kind is Kind.SEVERAL else (1, 1)
    won = (Decimal(0),) if kind is Kind.LOST else tuple(amounts[3 : 3 + wins])
    game = random.choice(list(GAMES.values()))
    return Plan(kind, ordinal, game, tuple(amounts[:bets]), won, amounts[6], random)
