"""All calls, in any order, duplicated and interleaved, against a small model of the rules."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from tests.model import Model
from wallet_service.ledger.calls import (
    Adjust,
    AnswerCancellation,
    Bet,
    Cancel,
    EndRound,
    OpenWallet,
    Refund,
    RequestCancellation,
    Result,
    SetPlayerState,
    Transfer,
    Win,
)
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.outcomes import Outcome

# Few names, so that calls meet; amounts whose sums are exact in Python's decimals too.
currencies = st.sampled_from(["USD", "USD", "USD", "EUR", "GBP"])
rounds = st.sampled_from(["r1", "r2", "r3"])
references = st.sampled_from(["x1", "x2", "x3", "x4"])
amounts = st.sampled_from([Decimal(text) for text in ("0", "1", "10", "10.5", "60", "0.000000000000000001")])
bonuses = st.sampled_from([None, None, None, "FREE"])
promos = st.none() | st.tuples(amounts.filter(bool), references)


class Wallet(RuleBasedStateMachine):
    """One fresh player per run; ``engine`` and ``players`` are set by the test."""

    engine: Engine
    players: Iterator[str]
    reverse_settled = False

    @initialize()
    def open(self):
        self.user_id = next(self.players)
        self.ledger = Ledger(self.engine, reverse_settled=self.reverse_settled)
        self.model = Model(self.reverse_settled, {"USD": Decimal(100), "EUR": Decimal(50)})
        self.ids = {}
        self.attempts = {}
        for currency, balance in self.model.balances.items():
            self.ledger.apply(OpenWallet(self.user_id, currency, balance))

    def compare(self, call, expected):
        outcome, key = expected
        receipt = self.ledger.apply(call)
        assert receipt.outcome is outcome
        if key is not None:
            assert self.ids.setdefault(key, receipt.transaction_id) == receipt.transaction_id, (
                "one key, one transaction"
            )
        elif receipt.outcome.value not in {"applied", "replayed"}:
            assert receipt.transaction_id is None
        if receipt.balance is not None and receipt.currency is not None:
            assert receipt.balance == self.model.balances[receipt.currency]
        return receipt

    @rule(c=currencies, r=rounds, x=references, a=amounts, b=bonuses)
    def bet(self, c, r, x, a, b):
        self.compare(Bet(self.user_id, c, r, "g", x, a, b, "{}"), self.model.bet(c, r, x, a, b))

    @rule(c=currencies, r=rounds, x=references, a=amounts, b=bonuses, p=promos)
    def result(self, c, r, x, a, b, p):
        promo_amount, promo_reference = p or (None, None)
        call = Result(self.user_id, c, r, "g", x, a, b, promo_amount, promo_reference, "{}")
        self.compare(call, self.model.result(c, r, x, a, b, p))

    @rule(c=currencies, r=rounds)
    def end_round(self, c, r):
        self.compare(EndRound(self.user_id, c, r, "{}"), self.model.end_round(c, r))

    @rule(c=currencies, r=rounds, x=references)
    def cancel(self, c, r, x):
        self.compare(Cancel(self.user_id, c, r, x, "{}"), self.model.cancel(c, r, x))

    @rule(c=currencies, r=rounds | st.none(), x=references)
    def refund(self, c, r, x):
        self.compare(Refund(self.user_id, c, r, "g", x, None, "{}"), self.model.refund(c, r, x))

    @rule(
        k=st.sampled_from(["promo_win", "bonus_win", "jackpot_win"]),
        c=currencies,
        r=rounds | st.none(),
        x=references,
        a=amounts,
        b=bonuses,
    )
    def win(self, k, c, r, x, a, b):
        b = b if k == "bonus_win" else None
        self.compare(Win(self.user_id, k, c, r, x, a, b, "{}"), self.model.win(k, c, r, x, a, b))

    @rule(k=st.sampled_from(["deposit", "withdrawal"]), c=currencies, x=references, a=amounts)
    def transfer(self, k, c, x, a):
        self.compare(Transfer(self.user_id, k, c, x, a, "{}"), self.model.transfer(k, c, x, a))

    @rule(k=st.sampled_from(["credit", "debit"]), c=currencies, x=references, a=amounts)
    def adjust(self, k, c, x, a):
        self.compare(Adjust(self.user_id, k, c, x, a, "test", "why", "{}"), self.model.transfer(k, c, x, a))

    @rule(frozen=st.booleans())
    def freeze(self, frozen):
        self.ledger.apply(SetPlayerState(self.user_id, "frozen" if frozen else "active", "test", "why"))
        self.model.frozen = frozen

    @rule(r=rounds | st.none())
    def request_cancellation(self, r):
        receipt = self.compare(RequestCancellation(self.user_id, r, "g", "test", "why", 3600), self.model.request(r))
        if receipt.outcome is Outcome.APPLIED:
            self.attempts[r] = receipt.transaction_id

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), answer=st.sampled_from(["accepted", "refused", "unknown"]))
    def answer_cancellation(self, data, answer):
        r = data.draw(st.sampled_from(list(self.attempts)))
        call = AnswerCancellation(self.user_id, self.attempts[r], answer, "1", "", 3600)
        self.compare(call, self.model.answer(r, answer))

    @invariant()
    def same_state(self):
        with self.engine.connect() as connection:

            def rows(sql):
                return [tuple(row) for row in connection.exec_driver_sql(sql, {"u": self.user_id})]

            balances = rows("SELECT currency, balance FROM wallets WHERE user_id = %(u)s")
            assert dict(balances) == self.model.balances
            log = rows("SELECT call, currency, amount FROM transactions WHERE user_id = %(u)s ORDER BY id, seq")
            assert sorted(log) == sorted(self.model.log)
            reviews = rows("SELECT round_id, reason, reference, resolution FROM reviews WHERE user_id = %(u)s")
            assert {tuple(cause): resolution for *cause, resolution in reviews} == self.model.reviews
            cancellations = rows(
                "SELECT round_id, state FROM cancellations WHERE user_id = %(u)s ORDER BY requested_at"
            )
            assert {name: state for name, state in cancellations if name} == self.model.cancellations
            assert [state for name, state in cancellations if not name] == self.model.of_game
            states = rows("SELECT round_id, state FROM rounds WHERE user_id = %(u)s")
            assert dict(states) == {name: a_round.state for name, a_round in self.model.rounds.items()}


@pytest.mark.parametrize("settled", ["refuse", "reverse"])
def test_the_ledger_does_what_the_model_says(engine, new_player, settled):
    def names():
        first = new_player().user_id
        number = 0
        while True:
            number += 1
            yield f"{first}-{number}"

    machine = type("Wallet", (Wallet,), {"engine": engine, "players": names(), "reverse_settled": settled == "reverse"})
    run_state_machine_as_test(machine, settings=settings(max_examples=150, stateful_step_count=40, deadline=None))
