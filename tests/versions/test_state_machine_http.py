"""The same model as the ledger's, asked through real HTTP, each call in either version at random."""

from collections.abc import Callable
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.conftest import Player, Service
from tests.model import Model
from wallet_service.ledger.outcomes import Outcome

CODES = {
    Outcome.APPLIED: 0,
    Outcome.REPLAYED: 0,
    Outcome.WALLET_UNKNOWN: 14,
    Outcome.INSUFFICIENT_BALANCE: 15,
    Outcome.CURRENCY_MISMATCH: 52,
    Outcome.PLAYER_FROZEN: 56,
    Outcome.ROUND_WITHOUT_BET: 998,
}
FINAL = 999

versions = st.sampled_from(["v4.02", "V4"])
rounds = st.sampled_from(["r1", "r2"])
references = st.sampled_from(["x1", "x2", "x3"])
amounts = st.sampled_from(["0", "1.00", "10.5", "60"])
bonuses = st.sampled_from(["", "", "FREE"])


class Wire(RuleBasedStateMachine):
    service: Service
    new_player: Callable[..., Player]

    @initialize()
    def open(self):
        self.player = self.new_player()
        self.model = Model(reverse_settled=False, balances={"USD": Decimal(100)})
        self.ids = {}

    def compare(self, version, call, fields, expected):
        outcome, key = expected
        body = {"userId": self.player.user_id, "providerId": "LM", **fields}
        if version == "v4.02":
            body |= {"currency": "USD", "uuid": "u", "sessionId": "s", "gameName": "Game"}
            answer = self.service.v4_02(call, body).json()
            code, money = answer["error"], answer.get("cash")
        else:
            answer = self.service.v4(call, body).json()
            code, money = answer["error"], answer.get("cash")
            code = code if code == 0 else int(code["code"][2:])
        assert code == CODES.get(outcome, FINAL), (outcome, answer)
        if key is not None:
            assert self.ids.setdefault(key, answer["transactionId"]) == answer["transactionId"]
        if money is not None:
            assert Decimal(str(money)) == self.model.balances["USD"]

    def details(self, version):
        return {"gameId": "g", "roundDetails": "spin", "timeStamp" if version == "V4" else "timestamp": "1760000000000"}

    @rule(v=versions, r=rounds, x=references, a=amounts, b=bonuses)
    def bet(self, v, r, x, a, b):
        fields = {"roundId": r, "reference": x, "amount": a, "bonusCode": b, **self.details(v)}
        self.compare(v, "Bet", fields, self.model.bet("USD", r, x, Decimal(a), b or None))

    @rule(v=versions, r=rounds, x=references, a=amounts, b=bonuses, p=st.sampled_from(["", "0", "5"]))
    def result(self, v, r, x, a, b, p):
        fields = {"roundId": r, "reference": x, "amount": a, "bonusCode": b, **self.details(v)}
        fields |= {"promoWinAmount": p, "promoWinReference": f"p{x}"}
        promo = (Decimal(p), f"p{x}") if p else None
        self.compare(v, "Result", fields, self.model.result("USD", r, x, Decimal(a), b or None, promo))

    @rule(v=versions, r=rounds)
    def end_round(self, v, r):
        self.compare(v, "EndRound", {"roundId": r, "gameId": "g"}, self.model.end_round("USD", r))

    @rule(v=versions, r=rounds, x=references)
    def cancel(self, v, r, x):
        self.compare(v, "Cancel", {"roundId": r, "reference": x, "gameId": "g"}, self.model.cancel("USD", r, x))

    @rule(v=versions, r=rounds, x=references)
    def refund(self, v, r, x):
        self.compare(v, "Refund", {"roundId": r, "reference": x, "gameId": "g"}, self.model.refund("USD", r, x))

    @rule(x=references)
    def refund_by_reference(self, x):
        self.compare("V4", "Refund", {"reference": x}, self.model.refund("USD", None, x))

    @rule(v=versions, call=st.sampled_from(["PromoWin", "BonusWin", "JackpotWin"]), x=references, a=amounts)
    def win(self, v, call, x, a):
        # A promo win's reference is the key of a result's promo win too, so they are kept apart from the bets' here.
        kind = {"PromoWin": "promo_win", "BonusWin": "bonus_win", "JackpotWin": "jackpot_win"}[call]
        fields = {"reference": f"w{x}", "amount": a, "gameId": "g", "timestamp": "1760000000000"}
        fields |= {"PromoWin": {"campaignId": "c", "campaignType": "T", "currency": "USD"}, "BonusWin": {}}.get(
            call, {"roundId": "r1", "jackpotId": "j"}
        )
        self.compare(v, call, fields, self.model.win(kind, "USD", fields.get("roundId"), f"w{x}", Decimal(a), None))

    @rule(v=versions)
    def balance(self, v):
        self.compare(v, "Balance", {}, (Outcome.APPLIED, None))

    @rule(frozen=st.booleans())
    def freeze(self, frozen):
        (self.player.freeze if frozen else self.player.unfreeze)()
        self.model.frozen = frozen


def test_both_versions_do_what_the_model_says(service, new_player):
    machine = type("Wire", (Wire,), {"service": service, "new_player": staticmethod(new_player)})
    run_state_machine_as_test(machine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None))
