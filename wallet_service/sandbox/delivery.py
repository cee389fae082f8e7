"""How Lucky Monaco's messages reach the wallet: resends (contract, section 4), mishaps on the way, and what both show.

The sandbox sees what the two sides do not, such as an answer that is lost later. So it can tell when a wallet answers
one message in two ways, and reports that as a violation.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from threading import Event

from wallet_service.sandbox.misbehaviour import Misbehaviour, Mishap
from wallet_service.sandbox.reports import Journal
from wallet_service.sandbox.rounds import Round
from wallet_service.sandbox.wallet import Answer, NoAnswerError, Request, Wallet

__all__ = ["Delivery"]

ATTEMPTS = {"Bet": 3, "Result": 10}
OTHER_ATTEMPTS = 3
RESEND_WANTED = "998"
CREDENTIALS_WRONG = "54"


@dataclass(slots=True)
class _Trace:
    """What is known of a round's messages. The calls with a reference are named by (call, reference)."""

    late: list[Request] = field(default_factory=list)
    """Copies on their way."""
    first: dict[tuple[str, str], str] = field(default_factory=dict)
    """The transactionId of each call's first success."""
    blind: set[tuple[str, str]] = field(default_factory=set)
    """Calls of which a message was sent and no answer seen: the wallet may have taken it, or not."""
    returned: set[str] = field(default_factory=set)
    """References of bets whose Cancel succeeded."""
    refunded: bool = False


class Delivery:
    """Delivers messages, for any thread; the messages of one round by one thread at a time (see ``Book.turn``)."""

    def __init__(
        self, wallet: Wallet, journal: Journal, misbehaviour: Misbehaviour, *, pause: float, stopping: Event
    ) -> None:
        self._wallet = wallet
        self._journal = journal
        self._pause = pause
        self._traces: dict[str, _Trace] = {}
        self.misbehaviour = misbehaviour
        self.stopping = stopping

    def deliver(self, call: str, the_round: Round, random: Random, **fields: str) -> Answer | None:
        """Send a message until its answer is final or it was sent as often as may be, and return the last answer.

        A Cancel that nobody answered, or that the wallet wants again, is sent for ever, as a Refund is. The contract is
        silent there; but a bet that the wallet took, and a Cancel lost, would leave a difference for good.
        """
        attempts = counted = 0
        while True:
            answer = self.attempt(call, the_round, random, attempts, **fields)
            attempts += 1
            counted += not (call == "Cancel" and (answer is None or answer.code == RESEND_WANTED))
            if answer and answer.final:
                if answer.code == "15":
                    # Nobody cancels a bet that was refused for want of money. Should money come before the copy
                    # does, the wallet would rightly take the copy.
                    self._drop_copies(the_round.round_id, fields["reference"])
                return answer
            if counted == ATTEMPTS.get(call, OTHER_ATTEMPTS) or self.stopping.wait(self._pause):
                return answer

    def attempt(self, call: str, the_round: Round, random: Random, resend: int, **fields: str) -> Answer | None:
        """Send a message once, with what befalls it. None: Lucky Monaco sees no answer."""
        trace = self._traces.setdefault(the_round.round_id, _Trace())
        request = self._wallet.write(call, the_round, **fields)
        mishap = self.misbehaviour.draw(random)
        answer = self._send_with(mishap, request, resend, trace)
        arriving: list[Request] = []
        staying: list[Request] = [request] if mishap.late_copy else []
        for copy in trace.late:
            (arriving if random.random() < 1 / 2 else staying).append(copy)
        trace.late = staying
        self._arrive(arriving, trace)
        return answer

    def close(self, round_id: str) -> None:
        """Let the copies of a finished round's messages arrive that are still on their way."""
        trace = self._traces.pop(round_id, None)
        if trace:
            self._arrive(trace.late, trace)

    def _send_with(self, mishap: Mishap, request: Request, resend: int, trace: _Trace) -> Answer | None:
        if mishap.forged_first:
            forged = self._send(request.forged(), "with a wrong hash: ")
            if forged and forged.code != CREDENTIALS_WRONG:
                self._violation(request, f"a wrong hash was answered {forged.code}, not {CREDENTIALS_WRONG}")
        if mishap.delay:
            self.stopping.wait(mishap.delay)
        if mishap.request_lost:
            self._tell(request, "lost on the way", resend, sent=False)
            return None
        loss = "and lost: " if mishap.answer_lost else ""
        if mishap.duplicated and mishap.at_once:
            with ThreadPoolExecutor(1) as pool:
                twin = pool.submit(self._send, request, "at once: ")
                answers = [self._send(request, loss, resend), twin.result()]
        else:
            answers = [self._send(request, loss, resend)]
            if mishap.duplicated:
                answers.append(self._send(request, "again: "))
        for answer in answers:
            self._compare(request, answer, trace)
        # A bet may be refused and its copy taken, if money came in between: what moved is what counts.
        best = next((answer for answer in answers if answer and answer.code == "0"), answers[0])
        return None if mishap.answer_lost else best

    def _arrive(self, copies: Iterable[Request], trace: _Trace) -> None:
        for copy in copies:
            self._compare(copy, self._send(copy, "late copy: "), trace)

    def _drop_copies(self, round_id: str, reference: str) -> None:
        trace = self._traces[round_id]
        trace.late = [copy for copy in trace.late if copy.reference != reference]

    def _compare(self, request: Request, answer: Answer | None, trace: _Trace) -> None:
        """Hold an answer against the first success of the same call."""
        if not request.reference:
            return
        key = (request.call, request.reference)
        if answer is None:
            trace.blind.add(key)
        elif answer.code == "0":
            transaction_id = str(answer.fields.get("transactionId"))
            first = trace.first.get(key)
            if first is None:
                trace.first[key] = transaction_id
                gone = trace.refunded or request.reference in trace.returned
                if request.call == "Bet" and gone and key not in trace.blind:
                    self._violation(request, "taken after it was cancelled or its round refunded")
            elif transaction_id != first:
                self._violation(request, f"answered with transaction {transaction_id}, and {first} before")
            if request.call == "Cancel":
                trace.returned.add(request.reference)
            trace.refunded |= request.call == "Refund"

    def _violation(self, request: Request, what: str) -> None:
        self._journal.violation(request.call, request.round_id, request.user_id, what)

    def _send(self, request: Request, note: str = "", resend: int = 0) -> Answer | None:
        try:
            answer = self._wallet.send(request)
        except NoAnswerError as error:
            self._tell(request, f"{note}{error}", resend)
            return None
        self._tell(request, f"{note}{answer.code} {answer.text}", resend)
        return answer

    def _tell(self, request: Request, outcome: str, resend: int, *, sent: bool = True) -> None:
        self._journal.tell(
            request.call,
            request.round_id,
            request.user_id,
            outcome,
            amount=request.amount,
            currency=request.currency,
            resend=resend,
            sent=sent,
        )
