"""The cases that move money: a player's bets, which all come back, by refund, cancel or result.

After each step the balance is asked for. Rounds and references are made up anew for every run.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from secrets import token_hex

from wallet_service.certify.client import Client, Reply, UnreachableError
from wallet_service.certify.findings import Findings
from wallet_service.certify.refusals import balance_of
from wallet_service.ledger.money import format_money

__all__ = ["Cycle"]

AT_ONCE = 8
"""Refunds of one round at the same moment."""
BET = "A bet is taken."
FINAL = frozenset({"999"})
TAKEN = frozenset({"0"})
MAX_ID = 36
"""Characters of a transactionId."""


class Cycle:
    """One run for one player in one version. Nobody else may play as the player meanwhile."""

    def __init__(self, client: Client, findings: Findings, player: str, currency: str, amount: Decimal) -> None:
        """Stake ``amount`` in each bet; the player has to have so much, and not much more than it is at stake."""
        self._client = client
        self._findings = findings
        self._player = player
        self._currency = currency
        self._amount = amount
        self._run = token_hex(6)
        self._balance = Decimal(0)
        self._unfinished: dict[str, str] = {}
        """Rounds whose money is not back for certain, by their numbers, and the reference of the last bet."""

    def run(self) -> None:
        """Try everything, and give back what is left at stake.

        Raises:
            UnreachableError: there is nobody any more. It names the rounds whose stakes may not be back.

        """
        before = self._ask_balance()
        if before is None or before < self._amount:
            problem = "the balance cannot be read" if before is None else "there is too little to bet"
            self._findings.enter("bet", BET, "nothing was bet", problem)
            return
        self._balance = before
        try:
            self._refund()
            self._cancel()
            self._result()
            self._early_and_late()
            self._at_once()
        finally:
            self._give_back()
        after = self._ask_balance()
        problem = "" if after == before else "a part of it is missing, or too much"
        seen = f"{format_money(before)} before, {'unknown' if after is None else format_money(after)} after"
        self._findings.enter("all is back", "In the end the player has what he had.", seen, problem)

    def _give_back(self) -> None:
        """Ask for each stake, also behind one that could not be asked for."""
        left = []
        for number, reference in self._unfinished.items():
            try:
                self._ask("Cancel", number, reference)
                self._ask("Refund", number, reference)
            except UnreachableError:
                left.append(self._round_id(number))
        if left:
            raise UnreachableError(
                f"nobody answers any more; stakes of {self._player} may be left in {', '.join(left)}"
            )

    def _refund(self) -> None:
        """Return a round, and see that it is done once for ever (contract, rules 1, 5, 7)."""
        bet = self._bet("bet", "1")
        self._step("bet again", "The same bet again: 0, the first transactionId.", "Bet", "1", "b1", same=bet)
        other = {"amount": format_money(self._amount + 1)}
        self._step("other bet", "Its reference with another amount: 999.", "Bet", "1", "b1", FINAL, fields=other)
        refund = self._step("refund", "A refund returns the stake.", "Refund", "1", "b1", moves=1)
        again = "The refund again: 0, the first transactionId, no money."
        self._step("refund again", again, "Refund", "1", "b1", same=refund)
        renamed = "The refund under another reference: 0, the first transactionId, no money."
        self._step("refund renamed", renamed, "Refund", "1", "f1", same=refund)
        self._step("late bet", "A bet in a refunded round: 999.", "Bet", "1", "late", FINAL)
        self._step("late result", "A result of a refunded round: 999.", "Result", "1", "w1", FINAL)
        if self._client.is_v4:
            self._bet("bet by name", "2")
            named = "A refund without its round, by the bet's reference, returns the stake."
            self._step("refund by name", named, "Refund", "", "b2", moves=1, of="2")

    def _cancel(self) -> None:
        """Cancel a bet, and one that never came (rule 6)."""
        self._bet("bet to cancel", "3")
        self._step("cancel", "A cancel returns the bet.", "Cancel", "3", "b3", moves=1)
        self._step("cancel again", "The cancel again: 0, no money.", "Cancel", "3", "b3")
        self._step("bet after cancel", "The bet again, after its cancel: 999.", "Bet", "3", "b3", FINAL)
        self._step("cancel first", "A cancel of a bet that never came: 0, no money.", "Cancel", "4", "b4")
        self._step("bet came later", "That bet, coming later: 999.", "Bet", "4", "b4", FINAL)

    def _result(self) -> None:
        """Win the stake back, end the round, and refund it in vain (rules 4, 7, 10)."""
        self._bet("bet to win", "5")
        result = self._step("result", "A result is paid.", "Result", "5", "w5", moves=1)
        self._step("result again", "The result again: 0, the first transactionId.", "Result", "5", "w5", same=result)
        self._step("end", "EndRound: 0.", "EndRound", "5", "")
        self._step("end again", "EndRound again: 0.", "EndRound", "5", "")
        settled = "A refund of a settled round: 999, or bets and wins taken back; here both come to nothing."
        self._step("settled", settled, "Refund", "5", "b5", FINAL | TAKEN)

    def _early_and_late(self) -> None:
        """Refund what is not known yet, and bet what is not there (rules 3, 11)."""
        self._step("refund first", "A refund of a round that is not known: 0, no money.", "Refund", "6", "b6")
        self._step("bet came after", "The bet of that round, coming later: 999.", "Bet", "6", "b6", FINAL)
        more = {"amount": format_money(self._balance + 1)}
        self._step("too much", "A bet beyond the balance: 15.", "Bet", "7", "b7", {"15"}, fields=more)

    def _at_once(self) -> None:
        """Refund a round over several connections at once (rule 1)."""
        self._bet("bet to race", "8")
        references = [f"f8{number}" for number in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            replies = list(pool.map(lambda reference: self._ask("Refund", "8", reference), references))
        ids = {_id_told(reply) for reply in replies}
        worst = next((reply for reply in replies if reply.code != "0"), replies[0])
        promise = f"{AT_ONCE} refunds at once, each with another reference: 0, one transactionId, one payment."
        problem = self._moved(1) or ("" if len(ids) == 1 and all(ids) else "the transactionIds are not one")
        self._findings.expect("race", promise, worst, TAKEN, more=problem)
        self._settle("8", worst, problem)

    def _bet(self, case: str, number: str) -> Reply:
        """Bet in a round of its own, which is unfinished from then on."""
        self._unfinished[number] = f"b{number}"
        return self._step(case, BET, "Bet", number, f"b{number}", moves=-1)

    def _step(
        self,
        case: str,
        promise: str,
        call: str,
        number: str,
        reference: str,
        codes: Collection[str] = TAKEN,
        *,
        moves: int = 0,
        same: Reply | None = None,
        fields: dict[str, str] | None = None,
        of: str = "",
    ) -> Reply:
        """Send a call, and enter whether the answer and the balance behind it are right.

        ``moves`` is how many stakes the balance goes up by; ``same`` has the transactionId that must be told again;
        ``of`` is the round that is finished by it, if the call does not name it.
        """
        reply = self._ask(call, number, reference, **(fields or {}))
        if call == "Bet" and reply.code == "0" and same is None:
            self._unfinished[number] = reference
        problem = self._moved(moves) or self._wrongly_told(call, reply, same)
        self._findings.expect(case, promise, reply, codes, more=problem)
        if moves > 0:
            self._settle(of or number, reply, problem)
        return reply

    def _wrongly_told(self, call: str, reply: Reply, same: Reply | None) -> str:
        """Say what is wrong with an answer's facts, now that the balance is known; nothing where all is right."""
        told = _id_told(reply)
        if same is not None and told != _id_told(same):
            return "another transactionId than the first one's is told"
        if reply.code == "0" and call != "EndRound" and not told:
            return "no transactionId is told, or none that can be one"
        if reply.code == "0" and call != "Refund" and balance_of(self._client, reply, self._currency) != self._balance:
            return "currency and cash beside the answer are not the balance"
        return ""

    def _settle(self, number: str, reply: Reply, problem: str) -> None:
        if reply.code == "0" and not problem:
            self._unfinished.pop(number, None)

    def _moved(self, stakes: int) -> str:
        """Say what is wrong with the balance, after it should have gone up by so many stakes; nothing where it did."""
        due, self._balance = self._balance + stakes * self._amount, self._ask_balance() or Decimal(0)
        if self._balance == due:
            return ""
        return f"the balance is {format_money(self._balance)}, not {format_money(due)}"

    def _ask_balance(self) -> Decimal | None:
        reply = self._client.ask("Balance", self._player, self._currency)
        return balance_of(self._client, reply, self._currency)

    def _round_id(self, number: str) -> str:
        return f"certify-{self._run}-{number}"

    def _ask(self, call: str, number: str, reference: str, **changes: str) -> Reply:
        """Send a call of the run's round with this number; without a number, of none."""
        fields = {"roundId": self._round_id(number)} if number else {}
        if call != "EndRound":
            fields["reference"] = f"certify-{self._run}-{reference}"
        if call in {"Bet", "Result"}:
            fields["amount"] = format_money(self._amount)
        return self._client.ask(call, self._player, self._currency, **{**fields, **changes})


def _id_told(reply: Reply) -> str | None:
    """Return the transactionId that a reply tells; ``None``: none that can be one (contract, section 3)."""
    told = reply.fields.get("transactionId")
    return told if isinstance(told, str) and 0 < len(told) <= MAX_ID else None
