"""Lucky Monaco's part, played by the harness: rounds that go as badly as callers can make them go.

Each actor plays one round after the other, knows nothing but what was acknowledged, and sends a call again until its
answer is final. Every round ends with its Refund.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from random import Random
from threading import Event
from time import monotonic, sleep
from typing import Any

from tests.chaos.calls import Call, Line
from wallet_service.ledger.money import format_money
from wallet_service.sandbox.rounds import GAMES, Round
from wallet_service.settings import ContractVersion

__all__ = ["CURRENCY", "Actor", "Played", "Stage"]

CURRENCY = "USD"
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.4
IMPATIENT_ATTEMPTS = 3
"""As often as a Bet is sent before its Cancel (contract, section 4)."""
ROUNDS_OF_AN_ACTOR = 10_000_000
POOR_BALANCE = Decimal(10)


@dataclass(slots=True)
class Played:
    """A round and its calls."""

    the_round: Round
    calls: list[Call] = field(default_factory=list)

    def named(self, name: str) -> list[Call]:
        """Return its calls of that name."""
        return [call for call in self.calls if call.name == name]

    @property
    def is_refunded(self) -> bool:
        """Whether its refund was acknowledged."""
        return any(call.code == "0" for call in self.named("Refund"))


@dataclass(slots=True)
class Stage:
    """What the actors share: when to begin no more rounds, and from when on to leave even the begun ones."""

    over: Event = field(default_factory=Event)
    hopeless_at: float = float("inf")
    """On the monotonic clock."""


class Actor:
    """One caller with several connections, and players of its own; the last of them has little money."""

    def __init__(self, number: int, seed: str, lines: Sequence[Line], players: Sequence[str], stage: Stage) -> None:
        """Play with these players over these connections."""
        self.played: list[Played] = []
        self.refunds = 0
        """Rounds of them whose refund was acknowledged."""
        self._random = Random(f"{seed}:actor:{number}")
        self._lines = lines
        *self._rich, self._poor = players
        self._stage = stage
        self._round_ids = count((number + 1) * ROUNDS_OF_AN_ACTOR)
        self._refunds = count(1)

    def play(self) -> None:
        """Play until the stage is over."""
        scripts = list(SCRIPTS)
        while not self._stage.over.is_set():
            [script] = self._random.choices(scripts, list(SCRIPTS.values()))
            begun = len(self.played)
            script(self)
            self.refunds += sum(one.is_refunded for one in self.played[begun:])

    def plain(self) -> None:
        """Bet and refund, in either version."""
        played = self._begin()
        bet = self._bet(played, version=self._version())
        self._settle(bet)
        self._settle(self._refund(played, bet, version=self._version()))

    def many(self) -> None:
        """Several rounds of one player at once, the refunds in another order and some of them twice."""
        user_id = self._random.choice(self._rich)
        rounds = [self._begin(user_id) for _ in self._lines]
        bets = [self._bet(played) for played in rounds]
        self._settle(*bets)
        refunds = [self._refund(played, bet) for played, bet in zip(rounds, bets, strict=True)]
        self._settle(*self._shuffled(*refunds, refunds[0]))

    def twins(self) -> None:
        """Everything twice or more at the same time, each refund with a reference of its own."""
        played = self._begin()
        bet = self._bet(played)
        self._settle(bet, bet)
        self._settle(*(self._refund(played, bet, version=self._version()) for _ in range(self._random.randint(2, 5))))

    def refund_first(self) -> None:
        """The refund is there before its bet, which then must not be taken."""
        played = self._begin()
        bet = self._bet(played)
        self._settle(self._refund(played, bet))
        self._settle(bet)

    def refund_races_bet(self) -> None:
        """Both are on their way at once."""
        played = self._begin()
        bet = self._bet(played)
        refund = self._refund(played, bet)
        self._settle(*self._shuffled(bet, refund))

    def cancel_first(self) -> None:
        """The cancel is there before its bet, which then must not be taken."""
        played = self._begin()
        bet = self._bet(played)
        self._settle(self._cancel(played, bet))
        self._settle(bet)
        self._settle(self._refund(played, bet))

    def cancel_races_bet(self) -> None:
        """Several bets, and the cancel of each, on their way at once."""
        played = self._begin()
        bets = [self._bet(played) for _ in range(len(self._lines) // 2)]
        cancels = [self._cancel(played, bet) for bet in bets]
        self._settle(*self._shuffled(*bets, *cancels))
        self._settle(self._refund(played, bets[0]))

    def several(self) -> None:
        """Three bets, one of them cancelled while the round is refunded, and late copies of what came before."""
        played = self._begin()
        bets = [self._bet(played) for _ in range(3)]
        self._settle(*bets)
        cancel = self._cancel(played, bets[0])
        self._settle(*self._shuffled(cancel, self._refund(played, bets[1]), self._refund(played, bets[2])))
        self._once(cancel, *bets)

    def settled(self) -> None:
        """A result comes before the refund, which is then refused."""
        played = self._begin()
        bet = self._bet(played)
        self._settle(bet)
        result = self._call(played, "Result", f"w{bet.reference}", self._amount(), timestamp="1760000000000")
        self._settle(result, result)
        self._settle(self._call(played, "EndRound", "", None, win=format_money(result.amount or Decimal(0))))
        self._settle(self._refund(played, bet), self._refund(played, bet))

    def result_races_refund(self) -> None:
        """Result and refund at once: one of them wins, and the other is refused."""
        played = self._begin()
        bet = self._bet(played)
        self._settle(bet)
        result = self._call(played, "Result", f"w{bet.reference}", self._amount(), timestamp="1760000000000")
        self._settle(*self._shuffled(result, self._refund(played, bet)))

    def poor(self) -> None:
        """Two bets for one balance: one of them may have it."""
        rounds = [self._begin(self._poor) for _ in range(2)]
        bets = [self._bet(played, amount=POOR_BALANCE) for played in rounds]
        self._settle(*bets)
        self._settle(*(self._refund(played, bet) for played, bet in zip(rounds, bets, strict=True)))

    def impatient(self) -> None:
        """A bet that is given up after three attempts, as Lucky Monaco does, and then cancelled."""
        played = self._begin()
        bet = self._bet(played)
        for _ in range(IMPATIENT_ATTEMPTS):
            if bet.code is None:
                self._once(bet)
        if bet.code is None:
            bet.abandoned = True
            self._settle(self._cancel(played, bet))
        self._settle(self._refund(played, bet))

    def look(self) -> None:
        """A balance, which the judge holds against the log."""
        self._settle(self._call(self._begin(), "Balance", "", None))

    def _begin(self, user_id: str = "") -> Played:
        game = self._random.choice(list(GAMES.values()))
        the_round = Round(
            round_id=str(next(self._round_ids)),
            ordinal=0,
            user_id=user_id or self._random.choice(self._rich),
            currency=CURRENCY,
            game=game,
            session="chaos",
            started_at=datetime.now(UTC),
        )
        self.played.append(Played(the_round))
        return self.played[-1]

    def _bet(self, played: Played, version: ContractVersion = "v4.02", amount: Decimal | None = None) -> Call:
        reference = f"b{played.the_round.round_id}-{len(played.calls)}"
        fields = {"timeStamp": "1760000000000"}
        return self._call(played, "Bet", reference, amount or self._amount(), version, **fields)

    def _refund(self, played: Played, bet: Call, version: ContractVersion = "v4.02") -> Call:
        reference = bet.reference if version == "v4" else f"f{played.the_round.round_id}-{next(self._refunds)}"
        return self._call(played, "Refund", reference, None, version)

    def _cancel(self, played: Played, bet: Call) -> Call:
        return self._call(played, "Cancel", bet.reference, None)

    def _call(
        self,
        played: Played,
        name: str,
        reference: str,
        amount: Decimal | None,
        version: ContractVersion = "v4.02",
        **fields: str,
    ) -> Call:
        if amount is not None:
            fields |= {"amount": format_money(amount), "roundDetails": "spin"}
        if reference:
            fields["reference"] = reference
        played.calls.append(Call(name, played.the_round, reference, amount, version, fields))
        return played.calls[-1]

    def _amount(self) -> Decimal:
        return Decimal(self._random.randrange(1, 1000)) / 100

    def _version(self) -> ContractVersion:
        return self._random.choice(("v4.02", "v4.02", "v4"))

    def _shuffled(self, *calls: Call) -> list[Call]:
        return self._random.sample(calls, len(calls))

    def _settle(self, *calls: Call) -> None:
        """Send calls at the same time, and again what has no final answer, until all have one or all hope is gone."""
        pause = SHORTEST_PAUSE_S
        waiting: Sequence[Call] = calls
        while waiting and monotonic() < self._stage.hopeless_at:
            self._once(*waiting)
            waiting = [call for call in waiting if call.code is None]
            if waiting:
                sleep(pause)
                pause = min(LONGEST_PAUSE_S, pause * 2)

    def _once(self, *calls: Call) -> None:
        """Send each call once, as many at the same time as there are lines."""
        for first in range(0, len(calls), len(self._lines)):
            together = list(zip(self._lines, calls[first : first + len(self._lines)], strict=False))
            for line, call in together:
                line.send(call)
            for line, _ in together:
                line.receive()


SCRIPTS: dict[Any, int] = {
    Actor.many: 20,
    Actor.plain: 6,
    Actor.twins: 6,
    Actor.refund_first: 2,
    Actor.refund_races_bet: 4,
    Actor.cancel_first: 1,
    Actor.cancel_races_bet: 4,
    Actor.several: 3,
    Actor.settled: 2,
    Actor.result_races_refund: 2,
    Actor.poor: 2,
    Actor.impatient: 2,
    Actor.look: 2,
}
"""What is played, and how often beside the others."""
