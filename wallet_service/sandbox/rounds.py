"""The rounds as Lucky Monaco has them, and the book that keeps them."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any, Self

from wallet_service.ledger.money import ZERO

__all__ = ["GAMES", "Bet", "Book", "Fate", "Game", "Round", "State", "Win"]


class State(StrEnum):
    """What a round is in, in Lucky Monaco's words (contract, section 1)."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    CANCELLED = "Cancelled"
    COMPLETE_IN_PROCESS = "CompleteInProcess"
    CANCEL_IN_PROCESS = "CancelInProcess"


class Fate(StrEnum):
    """What became of a bet."""

    SENT = "sent"
    """No final answer yet."""
    STANDING = "standing"
    """The wallet took it."""
    GONE = "gone"
    """The wallet refused it, or it was cancelled."""


@dataclass(frozen=True, slots=True)
class Game:
    """A game of the catalogue."""

    id: str
    name: str


GAMES = {
    game.id: game
    for game in (Game("vs20lucky", "Lucky Twenty"), Game("vs10gold", "Gold Ten"), Game("lv1wheel", "Lucky Wheel"))
}
"""The catalogue, by id."""


@dataclass(frozen=True, slots=True)
class Bet:
    """One bet of a round. With a bonus code it is free."""

    reference: str
    amount: Decimal
    bonus_code: str | None
    fate: Fate


@dataclass(frozen=True, slots=True)
class Win:
    """One result of a round, ``promo`` on top of it, and whether the wallet took it."""

    reference: str
    amount: Decimal
    bonus_code: str | None = None
    promo: Decimal | None = None
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """A round as it is at one moment."""

    round_id: str
    ordinal: int
    """Which of a run's rounds it is; with the run's seed it decides how the round goes."""
    user_id: str
    currency: str
    game: Game
    session: str
    started_at: datetime
    state: State = State.IN_PROGRESS
    bets: tuple[Bet, ...] = ()
    wins: tuple[Win, ...] = ()
    refund_due: bool = False
    """A Refund is to be sent until its answer is final."""

    @property
    def staked(self) -> Decimal:
        """What was paid for the bets that stand."""
        return sum((bet.amount for bet in self.bets if bet.fate is Fate.STANDING and not bet.bonus_code), ZERO)

    @property
    def won(self) -> Decimal:
        """What the wallet was told that the round won, and took; promo wins apart."""
        return sum((win.amount for win in self.wins if win.accepted), ZERO)

    @property
    def stands(self) -> bool:
        """Whether a bet stands."""
        return any(bet.fate is Fate.STANDING for bet in self.bets)

    @property
    def refund_reference(self) -> str:
        """The reference of the first bet that stands or else of the first one (contract, section 3)."""
        return next((bet.reference for bet in self.bets if bet.fate is Fate.STANDING), self.bets[0].reference)


class Book:
    """All rounds, for any thread. A round is a value: a change puts a new one in its place."""

    def __init__(self, rounds: Iterable[Round] = ()) -> None:
        self._rounds = {the_round.round_id: the_round for the_round in rounds}
        self._turns: dict[str, Lock] = {}
        self._lock = Lock()
        self.changes = 0
        """How often a round was entered or changed."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a book that was saved; an empty one where there is no file.

        Raises:
            ValueError: the file is no such book.

        """
        try:
            return cls(_read(entry) for entry in json.loads(path.read_text()))
        except FileNotFoundError:
            return cls()
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} does not hold the rounds of a sandbox") from error

    def save(self, path: Path) -> None:
        """Write the book, whole or not at all."""
        unfinished = path.with_name(f"{path.name}.new")
        unfinished.write_text(json.dumps([asdict(the_round) for the_round in self.all()], default=str))
        unfinished.replace(path)

    def all(self) -> list[Round]:
        """Return every round, the oldest first."""
        with self._lock:
            return list(self._rounds.values())

    def add(self, the_round: Round) -> None:
        """Enter a new round."""
        with self._lock:
            self._put(the_round)

    def __getitem__(self, round_id: str) -> Round:
        with self._lock:
            return self._rounds[round_id]

    def find(self, round_id: str) -> Round | None:
        """Return a round as it is now."""
        with self._lock:
            return self._rounds.get(round_id)

    def change(self, round_id: str, **changes: Any) -> Round:
        """Change fields of a round, and return it."""
        with self._lock:
            return self._put(replace(self._rounds[round_id], **changes))

    def move(self, round_id: str, to: State, **changes: Any) -> bool:
        """Take a round from InProgress to another state; False where it is not in progress (any more)."""
        with self._lock:
            if self._rounds[round_id].state is not State.IN_PROGRESS:
                return False
            self._put(replace(self._rounds[round_id], state=to, **changes))
            return True

    def enter(self, round_id: str, entry: Bet | Win) -> Round:
        """Enter a bet or a win into a round, in place of the one with its reference, and return the round."""
        field = "bets" if isinstance(entry, Bet) else "wins"
        with self._lock:
            entries = {known.reference: known for known in getattr(self._rounds[round_id], field)}
            entries[entry.reference] = entry
            changes: dict[str, Any] = {field: tuple(entries.values())}
            return self._put(replace(self._rounds[round_id], **changes))

    def turn(self, round_id: str) -> Lock:
        """Return the lock that whoever sends a round's messages holds, so that they go out one after the other."""
        with self._lock:
            return self._turns.setdefault(round_id, Lock())

    def between(
        self, start: datetime, end: datetime, *, user_id: str | None, game_id: str | None, page: int, limit: int
    ) -> tuple[int, list[Round]]:
        """Return how many rounds began at ``start`` or later and before ``end``, and one page of them, in that order.

        Pages count from 1.
        """
        found = [
            the_round
            for the_round in self.all()
            if start <= the_round.started_at < end
            and user_id in {None, the_round.user_id}
            and game_id in {None, the_round.game.id}
        ]
        found.sort(key=lambda the_round: (the_round.started_at, int(the_round.round_id)))
        return len(found), found[(page - 1) * limit : page * limit]

    def _put(self, the_round: Round) -> Round:
        self._rounds[the_round.round_id] = the_round
        self.changes += 1
        return the_round


def _read(entry: dict[str, Any]) -> Round:
    fields: dict[str, Any] = {
        "game": Game(**entry["game"]),
        "started_at": datetime.fromisoformat(entry["started_at"]),
        "state": State(entry["state"]),
        "bets": tuple(
            Bet(**{**bet, "amount": Decimal(bet["amount"]), "fate": Fate(bet["fate"])}) for bet in entry["bets"]
        ),
        "wins": tuple(
            Win(**{**win, "amount": Decimal(win["amount"]), "promo": win["promo"] and Decimal(win["promo"])})
            for win in entry["wins"]
        ),
    }
    return Round(**(entry | fields))
