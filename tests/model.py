"""The wallet's rules as a person would write them down in Python: one player, no database, no races.

The state machines drive this and the real thing with the same calls and compare every answer.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from wallet_service.ledger.outcomes import Outcome as O

ZERO = Decimal(0)


@dataclass
class Bet:
    round_id: str
    currency: str
    amount: Decimal
    bonus: str | None
    cancelled: bool = False

    @property
    def cost(self):
        return ZERO if self.bonus else self.amount


@dataclass
class Round:
    currency: str
    state: str = "open"
    won: Decimal = ZERO


@dataclass
class Model:
    """One player. Each call returns (outcome, key of the transaction it made or repeats)."""

    reverse_settled: bool
    balances: dict[str, Decimal] = field(default_factory=dict)
    frozen: bool = False
    rounds: dict[str, Round] = field(default_factory=dict)
    bets: dict[str, Bet] = field(default_factory=dict)
    done: dict[tuple[str, str], Any] = field(default_factory=dict)  # what was said: by call and reference
    early_refunds: dict[str, str] = field(default_factory=dict)  # currency: by the reference of a bet that never came
    bonuses: list[tuple[str | None, str, str | None, Decimal]] = field(default_factory=list)  # code, currency, round
    reviews: dict[tuple[str, str, str], str | None] = field(default_factory=dict)  # resolution: by cause
    cancellations: dict[str, str] = field(default_factory=dict)  # state: by round
    of_game: list[str] = field(
        default_factory=list
    )  # states of the cancellations of all open rounds; the last may wait
    waited_for: set[str] = field(default_factory=set)  # the rounds that were open when that one was asked for
    log: list[tuple[str, str, Decimal]] = field(default_factory=list)

    def post(self, call, currency, amount):
        self.balances[currency] += amount
        self.log.append((call, currency, amount))

    def bets_of(self, round_id):
        return [bet for bet in self.bets.values() if bet.round_id == round_id]

    def standing(self, round_id):
        return [bet for bet in self.bets_of(round_id) if not bet.cancelled]

    def mismatched(self, round_id, currency):
        return round_id in self.rounds and self.rounds[round_id].currency != currency

    def refunded(self, round_id):
        return round_id in self.rounds and self.rounds[round_id].state == "refunded"

    def bet(self, currency, round_id, reference, amount, bonus):
        first = self.bets.get(reference)
        cost = ZERO if bonus else amount
        if currency not in self.balances:
            return O.WALLET_UNKNOWN, None
        if first and first.currency != currency:
            return O.REFERENCE_REUSED, None
        if self.mismatched(round_id, currency):
            return O.CURRENCY_MISMATCH, None
        if self.refunded(round_id) or reference in self.early_refunds:
            return O.ROUND_REFUNDED, None
        if ("cancel", reference) in self.done:
            return O.BET_CANCELLED, None
        if first:
            same = (first.round_id, first.amount, first.bonus) == (round_id, amount, bonus)
            return (O.REPLAYED, ("bet", reference)) if same else (O.REFERENCE_REUSED, None)
        if round_id in self.rounds and self.rounds[round_id].state == "ended":
            return O.ROUND_ENDED, None
        if self.frozen:
            return O.PLAYER_FROZEN, None
        if self.balances[currency] < cost:
            return O.INSUFFICIENT_BALANCE, None
        self.rounds.setdefault(round_id, Round(currency))
        self.bets[reference] = Bet(round_id, currency, amount, bonus)
        self.post("bet", currency, -cost)
        return O.APPLIED, ("bet", reference)

    def result(self, currency, round_id, reference, amount, bonus, promo):
        first = self.done.get(("result", reference))
        if currency not in self.balances:
            return O.WALLET_UNKNOWN, None
        if first and first[1] != currency:
            return O.REFERENCE_REUSED, None
        if self.mismatched(round_id, currency):
            return O.CURRENCY_MISMATCH, None
        if self.refunded(round_id):
            return O.ROUND_REFUNDED, None
        if first:
            if first != (round_id, currency, amount):
                return O.REFERENCE_REUSED, None
            self.pay_promo(currency, promo, round_id)
            return O.REPLAYED, ("result", reference)
        if self.bets_of(round_id) and not self.standing(round_id):
            return O.BETS_CANCELLED, None
        if not self.bets_of(round_id) and not bonus:
            self.reviews.setdefault((round_id, "result_without_bet", reference), None)
            return O.ROUND_WITHOUT_BET, None
        the_round = self.rounds.setdefault(round_id, Round(currency))
        the_round.won += amount
        the_round.state = "settled" if the_round.state == "open" else the_round.state
        self.done["result", reference] = (round_id, currency, amount)
        self.bonuses.append((bonus, currency, round_id, amount))
        if (round_id, "result_without_bet", reference) in self.reviews:
            cause = round_id, "result_without_bet", reference
            self.reviews[cause] = self.reviews[cause] or "paid"
        self.post("result", currency, amount)
        self.pay_promo(currency, promo, round_id)
        return O.APPLIED, ("result", reference)

    def pay_promo(self, currency, promo, round_id):
        if promo and ("promo_win", promo[1]) not in self.done:
            self.done["promo_win", promo[1]] = (currency, promo[0], round_id)
            self.post("promo_win", currency, promo[0])

    def win(self, kind, currency, round_id, reference, amount, bonus):
        if currency not in self.balances:
            return O.WALLET_UNKNOWN, None
        first = self.done.get((kind, reference))
        if first:
            same = first[:2] == (currency, amount) and (None in {first[2], round_id} or first[2] == round_id)
            return (O.REPLAYED, (kind, reference)) if same else (O.REFERENCE_REUSED, None)
        before = sum(
            (
                paid
                for code, where, of_round, paid in self.bonuses
                if (code, where) == (bonus, currency) and not (of_round and self.refunded(of_round))
            ),
            ZERO,
        )
        paid = max(ZERO, amount - before) if bonus else amount
        self.done[kind, reference] = (currency, amount, round_id)
        if kind == "bonus_win":
            self.bonuses.append((bonus, currency, None, paid))
        self.post(kind, currency, paid)
        return O.APPLIED, (kind, reference)

    def end_round(self, currency, round_id):
        if currency not in self.balances:
            return O.WALLET_UNKNOWN, None
        if self.mismatched(round_id, currency):
            return O.CURRENCY_MISMATCH, None
        if round_id in self.rounds and self.rounds[round_id].state in {"open", "settled"}:
            self.rounds[round_id].state = "ended"
            return O.APPLIED, None
        return O.REPLAYED, None

    def cancel(self, currency, round_id, reference):
        bet, first = self.bets.get(reference), self.done.get(("cancel", reference))
        the_round = self.rounds.get(round_id)
        if currency not in self.balances:
            return O.WALLET_UNKNOWN, None
        if first and first[1] != currency:
            return O.REFERENCE_REUSED, None
        if self.mismatched(round_id, currency):
            return O.CURRENCY_MISMATCH, None
        if first:
            same = first[0] == round_id
            return (O.REPLAYED, ("cancel", reference)) if same else (O.REFERENCE_REUSED, None)
        if bet and bet.round_id != round_id:
            if not self.refunded(bet.round_id):
                self.reviews.setdefault((bet.round_id, "cancel_in_another_round", reference), None)
            return O.BET_IN_ANOTHER_ROUND, None
        if bet and the_round and the_round.state in {"settled", "ended"} and len(self.standing(round_id)) == 1:
            self.reviews.setdefault((round_id, "cancel_in_settled_round", reference), None)
            return O.LAST_BET_OF_SETTLED_ROUND, None
        amount = ZERO
        if the_round and the_round.state != "refunded":
            if bet:
                amount, bet.cancelled = bet.cost, True
            elif self.standing(round_id):
                self.reviews.setdefault((round_id, "unmatched_cancel", reference), None)
        self.done["cancel", reference] = (round_id, currency)
        self.post("cancel", currency, amount)
        return O.APPLIED, ("cancel", reference)

    def refund(self, currency, round_id, reference):
        if currency not in self.balances:
            return O.WALLET_UNKNOWN, None
        if round_id is None and reference in self.bets:
            round_id = self.bets[reference].round_id
        if round_id is None:
            if reference in self.early_refunds:
                same = self.early_refunds[reference] == currency
                return (O.REPLAYED, ("refund of", reference)) if same else (O.CURRENCY_MISMATCH, None)
            self.early_refunds[reference] = currency
            self.post("refund", currency, ZERO)
            return O.APPLIED, ("refund of", reference)
        the_round = self.rounds.get(round_id)
        if self.mismatched(round_id, currency):
            return O.CURRENCY_MISMATCH, None
        if self.refunded(round_id):
            return O.REPLAYED, ("refund", round_id)
        if the_round and the_round.state != "open" and not self.reverse_settled:
            self.reviews.setdefault((round_id, "refund_of_settled_round", ""), None)
            return O.ROUND_SETTLED, None
        stake = sum((bet.cost for bet in self.standing(round_id)), ZERO)
        won = the_round.won if the_round else ZERO
        if self.balances[currency] + stake < won:
            self.reviews.setdefault((round_id, "reversal_not_covered", ""), None)
            return O.REVERSAL_NOT_COVERED, None
        self.rounds.setdefault(round_id, Round(currency)).state = "refunded"
        self.close(round_id)
        self.post("refund", currency, stake)
        if won:
            self.post("reversal", currency, -won)
        return O.APPLIED, ("refund", round_id)

    def close(self, round_id):
        """Close what waited for a refund of the round."""
        for cause, resolution in self.reviews.items():
            if cause[0] == round_id:
                self.reviews[cause] = resolution or "refunded"
        if round_id in self.cancellations:
            self.cancellations[round_id] = "refunded"
        if self.of_game and round_id in self.waited_for and not any(map(self.awaited, self.waited_for)):
            self.of_game[-1] = "refunded"

    def awaited(self, round_id):
        return self.rounds[round_id].state == "open" and bool(self.standing(round_id))

    def transfer(self, kind, currency, reference, amount):
        if currency not in self.balances:
            return O.WALLET_UNKNOWN, None
        other = {"credit": "debit", "debit": "credit"}.get(kind)
        if (other, reference) in self.done:
            return O.REFERENCE_REUSED, None
        first = self.done.get((kind, reference))
        if first:
            return (O.REPLAYED, (kind, reference)) if first == (currency, amount) else (O.REFERENCE_REUSED, None)
        signed = amount if kind in {"deposit", "credit"} else -amount
        if self.balances[currency] + signed < 0:
            return O.INSUFFICIENT_BALANCE, None
        self.done[kind, reference] = (currency, amount)
        self.post(kind, currency, signed)
        return O.APPLIED, (kind, reference)

    def request(self, round_id):
        """Ask for the cancellation of a round or, with None, of every open round."""
        if round_id is None:
            if self.of_game and self.of_game[-1] in {"requested", "accepted"}:
                return O.CANCELLATION_UNDER_WAY, None
            if not self.of_game or self.of_game[-1] == "refunded":
                self.of_game.append("")
                self.waited_for = set()
            self.of_game[-1] = "requested"
            self.waited_for |= {name for name in self.rounds if self.awaited(name)}
            return O.APPLIED, None
        if self.refunded(round_id):
            return O.REPLAYED, ("refund", round_id)
        with_its_game = round_id in self.waited_for and self.of_game[-1] in {"requested", "accepted"}
        if with_its_game or self.cancellations.get(round_id) in {"requested", "accepted"}:
            return O.CANCELLATION_UNDER_WAY, None
        self.cancellations[round_id] = "requested"
        return O.APPLIED, None

    def answer(self, round_id, answer):
        """Answer the latest attempt of a cancellation."""
        if round_id is None:
            if self.of_game[-1] != "refunded":
                self.of_game[-1] = answer
        elif self.cancellations[round_id] != "refunded":
            self.cancellations[round_id] = answer
        return O.APPLIED, None
