"""Playing rounds against the wallet: what messages each one sends, and what their answers make of it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from threading import Lock
from time import time_ns
from uuid import uuid4

from wallet_service.ledger.money import format_money
from wallet_service.sandbox.delivery import Delivery
from wallet_service.sandbox.plans import Kind, Plan, make_plan
from wallet_service.sandbox.reports import Journal
from wallet_service.sandbox.rounds import Bet, Book, Fate, Game, Round, State, Win
from wallet_service.sandbox.wallet import Answer

__all__ = ["BookFullError", "Dealer", "Seat", "Summary"]

MAX_ROUNDS = 100_000
"""Rounds that a sandbox keeps at most."""


class BookFullError(Exception):
    """The sandbox holds as many rounds as it may."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Who plays, and in which currency."""

    user_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What playing came to."""

    seed: str
    rounds: dict[str, int]
    """How many of the rounds are in each state."""
    messages: int
    """Messages sent to the wallet meanwhile, resends and copies among them."""
    resends: int
    violations: int


class Dealer:
    """Plays rounds, each one's messages in order.

    ``first_round`` is the number of the first one. Round by round, ``seed`` decides how they go and what befalls
    their messages, whichever thread plays them.
    """

    def __init__(
        self, book: Book, delivery: Delivery, journal: Journal, *, seed: str, first_round: int, threads: int
    ) -> None:
        self._book = book
        self._delivery = delivery
        self._journal = journal
        self._seed = seed
        known = book.all()
        self._first_round = max([first_round - 1, *(int(the_round.round_id) for the_round in known)]) + 1
        self._room = MAX_ROUNDS - len(known)
        self._threads = threads
        self._dealt = 0
        self._lock = Lock()

    def play(self, seat: Seat, count: int) -> Summary:
        """Play that many rounds, several at once. To be stopped, tell the delivery to stop.

        Raises:
            BookFullError: there is no room for more rounds.

        """
        ordinals = self._deal(count)
        before = (self._journal.messages, self._journal.resends, self._journal.violations)
        with ThreadPoolExecutor(self._threads) as pool:
            plans = list(pool.map(lambda ordinal: self._begin(seat, ordinal), ordinals))
            for _ in pool.map(self._close_later, plans):
                pass
        rounds = [self._book.find(self._round_id(ordinal)) for ordinal in ordinals]
        states = Counter(the_round.state.value for the_round in rounds if the_round)
        after = (self._journal.messages, self._journal.resends, self._journal.violations)
        return Summary(self._seed, dict(states), *(now - then for now, then in zip(after, before, strict=True)))

    def open_round(self, seat: Seat, amount: Decimal, game: Game) -> tuple[Round, Answer | None]:
        """Start a session and a round by one bet, and leave it open. Returns the round and the wallet's last answer.

        Raises:
            BookFullError: there is no room for another round.

        """
        [ordinal] = self._deal(1)
        bet = self._new_bet(ordinal, 1, amount, None)
        self._enter(seat, ordinal, game, bet)
        answer = self._bet(self._round_id(ordinal), bet, self._random(ordinal))
        return self._book[self._round_id(ordinal)], answer

    def settle(self, round_id: str, wins: tuple[Win, ...], random: Random | None = None) -> bool:
        """Send a round's results and its EndRound; False where it is not in progress."""
        with self._book.turn(round_id):
            if not self._book.move(round_id, State.COMPLETE_IN_PROCESS, wins=wins):
                return False
            self._complete(round_id, random or self._random(self._book[round_id].ordinal, "result"))
        return True

    def resume(self) -> None:
        """Go on with rounds that a stopped sandbox left: bets without an answer are cancelled, results sent again."""
        for known in self._book.all():
            random = self._random(known.ordinal, "resumed")
            with self._book.turn(known.round_id):
                the_round = self._book[known.round_id]
                if the_round.state is State.COMPLETE_IN_PROCESS:
                    self._complete(the_round.round_id, random)
                elif the_round.state is State.IN_PROGRESS:
                    for bet in the_round.bets:
                        if bet.fate is Fate.SENT:
                            self._cancel(the_round, bet, random)

    def _deal(self, count: int) -> range:
        with self._lock:
            if self._dealt + count > self._room:
                raise BookFullError(f"the sandbox keeps {MAX_ROUNDS} rounds at most, and has no room for {count} more")
            self._dealt += count
            return range(self._dealt - count, self._dealt)

    def _round_id(self, ordinal: int) -> str:
        return str(self._first_round + ordinal)

    def _random(self, ordinal: int, *purpose: str) -> Random:
        return Random(":".join((self._seed, str(ordinal), *purpose)))  # noqa: S311 - repeatable, and no secret

    def _begin(self, seat: Seat, ordinal: int) -> Plan:
        """Play a round, all of it unless it is closed later."""
        plan = make_plan(ordinal, self._random(ordinal))
        if self._delivery.stopping.is_set():
            return plan
        bonus_code = f"free-{self._round_id(ordinal)}" if plan.kind is Kind.FREE else None
        round_id = self._round_id(ordinal)
        bets = [self._new_bet(ordinal, number, stake, bonus_code) for number, stake in enumerate(plan.stakes, 1)]
        self._enter(seat, ordinal, plan.game, bets[0])
        for bet in bets:
            self._bet(round_id, bet, plan.random)
        if plan.kind is Kind.TAKEN_BACK:
            with self._book.turn(round_id):
                the_round = self._book[round_id]
                if the_round.state is State.IN_PROGRESS and the_round.stands:
                    self._cancel(the_round, the_round.bets[0], plan.random)
        elif plan.kind not in {Kind.OPEN, Kind.AUTO_CLOSING}:
            self._close(plan, bonus_code)
        return plan

    def _close_later(self, plan: Plan) -> None:
        if plan.kind is Kind.AUTO_CLOSING and self._book.find(self._round_id(plan.ordinal)):
            self._close(plan, None)

    def _close(self, plan: Plan, bonus_code: str | None) -> None:
        round_id = self._round_id(plan.ordinal)
        if plan.kind is Kind.PROMO_CALL:
            with self._book.turn(round_id):
                the_round = self._book[round_id]
                if the_round.state is State.IN_PROGRESS:
                    self._delivery.deliver(
                        "PromoWin",
                        the_round,
                        plan.random,
                        amount=format_money(plan.promo),
                        reference=f"p{round_id}",
                        campaignId="sandbox",
                        campaignType="T",
                        timestamp=_now(),
                    )
        promo = plan.promo if plan.kind is Kind.PROMO_IN_RESULT else None
        wins = tuple(Win(f"r{round_id}-{n}", amount, bonus_code, promo) for n, amount in enumerate(plan.wins, 1))
        self.settle(round_id, wins, plan.random)

    def _new_bet(self, ordinal: int, number: int, amount: Decimal, bonus_code: str | None) -> Bet:
        return Bet(f"b{self._round_id(ordinal)}-{number}", amount, bonus_code, Fate.SENT)

    def _enter(self, seat: Seat, ordinal: int, game: Game, bet: Bet) -> None:
        """Enter a round into the book, with its first bet: a Refund needs one."""
        self._book.add(
            Round(
                round_id=self._round_id(ordinal),
                ordinal=ordinal,
                user_id=seat.user_id,
                currency=seat.currency,
                game=game,
                session=f"session-{uuid4()}",
                started_at=datetime.now(UTC),
                bets=(bet,),
            )
        )

    def _bet(self, round_id: str, bet: Bet, random: Random) -> Answer | None:
        """Send a bet of an open round, and its Cancel where no final answer came (contract, section 4)."""
        with self._book.turn(round_id):
            if self._book[round_id].state is not State.IN_PROGRESS:
                return None
            the_round = self._book.enter(round_id, bet)
            fields = {"amount": format_money(bet.amount), "reference": bet.reference, "roundDetails": "spin"}
            if bet.bonus_code:
                fields["bonusCode"] = bet.bonus_code
            answer = self._delivery.deliver("Bet", the_round, random, timeStamp=_now(), **fields)
            if answer and answer.final:
                fate = Fate.STANDING if answer.code == "0" else Fate.GONE
                self._void(self._book.enter(round_id, replace(bet, fate=fate)))
            elif not self._delivery.stopping.is_set():
                self._cancel(the_round, bet, random)
            return answer

    def _cancel(self, the_round: Round, bet: Bet, random: Random) -> None:
        # Until the answer is final, the bet counts as one that a restarted sandbox has to cancel.
        self._book.enter(the_round.round_id, replace(bet, fate=Fate.SENT))
        answer = self._delivery.deliver("Cancel", the_round, random, reference=bet.reference)
        if answer is None or (self._delivery.stopping.is_set() and not answer.final):
            return
        fate = bet.fate if bet.fate is Fate.STANDING and answer.code != "0" else Fate.GONE
        self._void(self._book.enter(the_round.round_id, replace(bet, fate=fate)))

    def _void(self, the_round: Round) -> None:
        """Mark a round that has no bet left as cancelled."""
        if all(bet.fate is Fate.GONE for bet in the_round.bets) and self._book.move(
            the_round.round_id, State.CANCELLED
        ):
            self._delivery.close(the_round.round_id)

    def _complete(self, round_id: str, random: Random) -> None:
        the_round = self._book[round_id]
        for win in the_round.wins:
            if win.accepted:
                continue
            fields = {"amount": format_money(win.amount), "reference": win.reference, "roundDetails": "spin"}
            if win.bonus_code:
                fields["bonusCode"] = win.bonus_code
            if win.promo is not None:
                fields |= {"promoWinAmount": format_money(win.promo), "promoWinReference": f"p{round_id}"}
            answer = self._delivery.deliver("Result", the_round, random, timestamp=_now(), **fields)
            if answer is None or answer.code != "0":
                return
            the_round = self._book.enter(round_id, replace(win, accepted=True))
        answer = self._delivery.deliver("EndRound", the_round, random, win=format_money(the_round.won))
        if answer and answer.code == "0":
            self._book.change(round_id, state=State.COMPLETED)
            self._delivery.close(round_id)


def _now() -> str:
    """Return the time as the contract writes it, in Unix milliseconds."""
    return str(time_ns() // 1_000_000)
