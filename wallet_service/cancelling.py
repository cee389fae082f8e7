"""Cancelling a round: Lucky Monaco is asked to void it, and every step is on record (contract, section 2).

The record stands before the request leaves, so that a crash in between loses nothing: an attempt that nobody answered
counts as unknown after a while. The money comes back with their Refund, which closes the record.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Engine

from wallet_service.ledger.calls import AnswerCancellation, RequestCancellation
from wallet_service.ledger.cancellation_reads import CancellationRow, cancellation_of
from wallet_service.ledger.ledger import Ledger, LedgerUnavailableError
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.lucky_monaco import Answer, LuckyMonaco, Reply
from wallet_service.pace import Pace

__all__ = ["AnswerNotRecordedError", "Asked", "Canceller", "InVainError", "ask_in_turn", "await_refund", "record_of"]

AWAITED = frozenset({"requested", "accepted"})
"""States of a cancellation whose end is still to come."""
LOOK_EVERY_S = 0.25
"""Between two looks at a record whose end is awaited."""

ANSWER_PATIENCE_S = 180
"""How long a request may be without its answer. The client's own patience, all attempts together, is shorter, unless
headers trickle in."""
RECORD_PAUSES_S = (0.3, 1.0, 3.0)
"""Before the answer is recorded once more: a connection may have died while Lucky Monaco was asked."""
CREDENTIALS_WRONG = frozenset({"54", "G.54"})
"""Codes with which every further call would be refused as well (contract, section 6)."""
UNANSWERED = 5
"""After so many unknown answers on end nobody is there to ask."""


class InVainError(Exception):
    """Lucky Monaco need not be asked for any more rounds now. The message says why."""


class AnswerNotRecordedError(Exception):
    """Lucky Monaco answered, and the database could not take it down. The record will say that it is unknown."""

    def __init__(self, reply: Reply, cause: LedgerUnavailableError) -> None:
        answer = " ".join(filter(None, (reply.answer, reply.code, reply.message)))
        super().__init__(f"Lucky Monaco's answer ({answer}) could not be recorded: {cause}")
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Asked:
    """How asking for a cancellation ended.

    The receipt is ``applied`` where Lucky Monaco was asked, and ``reply`` is what it said. Otherwise nothing was sent:
    ``replayed`` (the round is refunded already), ``cancellation_under_way``, ``player_unknown``.
    """

    receipt: Receipt
    reply: Reply | None


class Canceller:
    """Asks for cancellations, and records them. Threads may share it."""

    def __init__(self, ledger: Ledger, lucky_monaco: LuckyMonaco, overdue_minutes: int) -> None:
        """Ask ``lucky_monaco``. An accepted cancellation is overdue without its Refund after so many minutes."""
        self._ledger = ledger
        self._lucky_monaco = lucky_monaco
        self._refund_patience_s = overdue_minutes * 60

    def check(self, user_id: str, round_id: str | None, game_id: str | None) -> None:
        """Check that Lucky Monaco could be asked for it.

        Raises:
            ValueError: as ``ask``.

        """
        self._lucky_monaco.cancellable(user_id, round_id, game_id)

    def ask(self, user_id: str, round_id: str | None, game_id: str | None, *, by_whom: str, why: str) -> Asked:
        """Ask to void a round or, in V4 without ``round_id``, every open round of the game.

        Raises:
            ValueError: an identifier that the contract's version requires is missing, or one cannot be theirs.
            LedgerUnavailableError: it could not be recorded, so nobody was asked.
            AnswerNotRecordedError: it was asked, and the answer could not be recorded.

        """
        receipt = self.request(user_id, round_id, game_id, by_whom=by_whom, why=why)
        if receipt.outcome is not Outcome.APPLIED or receipt.transaction_id is None:
            return Asked(receipt, None)
        return Asked(receipt, self.send(user_id, round_id, game_id, receipt.transaction_id))

    def request(self, user_id: str, round_id: str | None, game_id: str | None, *, by_whom: str, why: str) -> Receipt:
        """Record that Lucky Monaco is about to be asked. Where that is ``applied``, ``send`` must follow at once.

        Raises:
            ValueError: as ``ask``.
            LedgerUnavailableError: as ``ask``.

        """
        self.check(user_id, round_id, game_id)
        return self._ledger.apply(RequestCancellation(user_id, round_id, game_id, by_whom, why, ANSWER_PATIENCE_S))

    def send(self, user_id: str, round_id: str | None, game_id: str | None, attempt_id: UUID) -> Reply:
        """Ask Lucky Monaco, which may take minutes, and record the answer to the attempt.

        Raises:
            AnswerNotRecordedError: as ``ask``.

        """
        reply = self._lucky_monaco.cancel_round(user_id, round_id, game_id)
        answer = AnswerCancellation(
            user_id, attempt_id, reply.answer.value, reply.code, reply.message, self._refund_patience_s
        )
        self._record(answer, reply)
        return reply

    def _record(self, answer: AnswerCancellation, reply: Reply) -> None:
        for pause in (*RECORD_PAUSES_S, None):
            try:
                self._ledger.apply(answer)
            except LedgerUnavailableError as error:
                if pause is None:
                    raise AnswerNotRecordedError(reply, error) from error
                sleep(pause)
            else:
                return


class CancellableRound(Protocol):
    """What names a round to Lucky Monaco."""

    @property
    def user_id(self) -> str:
        """The player."""

    @property
    def round_id(self) -> str:
        """The round."""

    @property
    def game_id(self) -> str | None:
        """The game, if known."""


R = TypeVar("R", bound=CancellableRound)


def ask_in_turn(
    canceller: Canceller, rounds: Iterable[R], pace: Pace, *, by_whom: str, why: str
) -> Iterator[tuple[R, Asked | ValueError]]:
    """Ask for one round after the other, and yield each with how that ended.

    A round that cannot be theirs does not stand in the way of the others: it is yielded with its ``ValueError``.

    Raises:
        InVainError: they refuse the credentials, or do not answer.
        LedgerUnavailableError: as ``Canceller.ask``.
        AnswerNotRecordedError: as ``Canceller.ask``.

    """
    unanswered = 0
    for item in rounds:
        try:
            with pace:
                asked = canceller.ask(item.user_id, item.round_id, item.game_id, by_whom=by_whom, why=why)
        except ValueError as error:
            yield item, error
            continue
        yield item, asked
        if asked.reply is None:  # refunded, or asked for by somebody else, since the list was made
            continue
        unanswered = unanswered + 1 if asked.reply.answer is Answer.UNKNOWN else 0
        if asked.reply.code in CREDENTIALS_WRONG:
            raise InVainError(f"Lucky Monaco does not take the credentials ({asked.reply.message})")
        if unanswered == UNANSWERED:
            raise InVainError(f"Lucky Monaco does not answer ({asked.reply.message})")


def record_of(reads: Engine, user_id: str, round_id: str | None, game_id: str | None) -> CancellationRow:
    """Return the record of a cancellation that was asked for, as it stands."""
    with reads.connect() as connection:
        record = cancellation_of(connection, user_id, round_id, game_id)
    if record is None:
        raise AssertionError("what was asked for has no record")
    return record


def await_refund(look: Callable[[], CancellationRow], seconds: float) -> Iterator[tuple[CancellationRow, float]]:
    """Yield the record as it stands, and the seconds left, until nothing more is awaited or the time is over."""
    ends = monotonic() + seconds
    record = look()
    while record.state in AWAITED and (left := ends - monotonic()) > 0:
        yield record, left
        sleep(min(LOOK_EVERY_S, left))
        record = look()
    yield record, 0.0
