"""Asking Lucky Monaco in the background, so that a page answers at once: what comes of it is in the records."""

from collections.abc import Callable, Iterable
from itertools import takewhile
from threading import BoundedSemaphore, Thread, main_thread
from uuid import UUID

import structlog

from wallet_service.cancelling import AnswerNotRecordedError, Canceller, InVainError, ask_in_turn
from wallet_service.ledger.ledger import Ledger, LedgerUnavailableError
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.ledger.round_reads import RoundRow
from wallet_service.lucky_monaco import connect_lucky_monaco
from wallet_service.pace import Pace
from wallet_service.settings import Settings, SettingsError

__all__ = ["Asking", "BusyError"]

ROUNDS_AT_ONCE = 8
SELECTIONS_AT_ONCE = 2
"""In a worker: Lucky Monaco may take more than a minute for each."""
ROUNDS_PER_MINUTE = 300
"""Of one selection."""

log = structlog.get_logger("desk")


class BusyError(Exception):
    """Lucky Monaco is being asked for as much as may be at once. Nothing was done."""


class Asking:
    """Asks for cancellations in threads of its own."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        """Connect to the settings' Lucky Monaco, if they name one."""
        self.problem = ""
        """Which settings are missing; nobody can be asked until they are there."""
        self._canceller: Canceller | None = None
        self._ledger = ledger
        self._rounds = BoundedSemaphore(ROUNDS_AT_ONCE)
        self._selections = BoundedSemaphore(SELECTIONS_AT_ONCE)
        self.renew(settings)

    def renew(self, settings: Settings) -> None:
        """Ask with the settings' secrets from now on. What is being asked ends with those it began with.

        So the earlier connections are not closed here: they are when nobody asks over them any more.
        """
        try:
            lucky_monaco = connect_lucky_monaco(settings)
        except SettingsError as error:
            self.problem = str(error)
        else:
            self._canceller = Canceller(self._ledger, lucky_monaco, settings.refund_overdue_minutes)

    @property
    def canceller(self) -> Canceller:
        """Whoever asks.

        Raises:
            SettingsError: nobody can be asked.

        """
        if self._canceller is None:
            raise SettingsError(self.problem)
        return self._canceller

    def objection(self, the_round: RoundRow) -> str:
        """Say why nobody could ask for a round because of its names; nothing where somebody could, or nobody can."""
        if self._canceller is None:
            return ""
        try:
            self._canceller.check(the_round.user_id, the_round.round_id, the_round.game_id)
        except ValueError as error:
            return str(error)
        return ""

    def cancel(self, user_id: str, round_id: str, game_id: str | None, *, by_whom: str, why: str) -> Receipt:
        """Record that a round's cancellation is asked for, and ask for it once this has returned.

        Raises:
            BusyError: not now.
            SettingsError: nobody can be asked.
            ValueError: the names cannot be Lucky Monaco's.
            LedgerUnavailableError: it could not be recorded, so nobody is asked.

        """
        canceller = self.canceller
        _take(self._rounds)
        try:
            receipt = canceller.request(user_id, round_id, game_id, by_whom=by_whom, why=why)
        except BaseException:
            self._rounds.release()
            raise
        attempt_id = receipt.transaction_id
        if receipt.outcome is not Outcome.APPLIED or attempt_id is None:
            self._rounds.release()
            return receipt

        def send() -> None:
            try:
                canceller.send(user_id, round_id, game_id, attempt_id)
            except AnswerNotRecordedError as error:
                log.error("answer not recorded", attempt=str(attempt_id), error=str(error))  # noqa: TRY400 - no fault

        _start(send, self._rounds)
        return receipt

    def cancel_selection(
        self, selection_id: UUID, rounds: Iterable[RoundRow], record: Callable[[], bool], *, by_whom: str, why: str
    ) -> None:
        """Ask for one round after the other, at a bounded pace, if ``record`` says that the selection is a new one.

        Raises:
            BusyError: not now; nothing was recorded.
            SettingsError: nobody can be asked.

        """
        canceller = self.canceller
        _take(self._selections)
        try:
            is_new = record()
        except BaseException:
            self._selections.release()
            raise
        if not is_new:
            self._selections.release()
            return

        def work() -> None:
            serving = takewhile(lambda _: main_thread().is_alive(), rounds)  # a worker that ends begins nothing more
            try:
                for _ in ask_in_turn(canceller, serving, Pace(ROUNDS_PER_MINUTE), by_whom=by_whom, why=why):
                    pass
            except (InVainError, AnswerNotRecordedError, LedgerUnavailableError) as error:
                log.warning("selection stopped", selection=str(selection_id), error=str(error))

        _start(work, self._selections)


def _take(places: BoundedSemaphore) -> None:
    if not places.acquire(blocking=False):
        raise BusyError("Lucky Monaco is being asked for as much as may be at once. Try again in a minute.")


def _start(work: Callable[[], None], places: BoundedSemaphore) -> None:
    """Do the work in a thread, which gives its place back."""

    def do() -> None:
        try:
            work()
        except Exception as error:
            log.error("fault", exc_info=error)  # noqa: TRY400 - with its traceback, as the desk's other faults
        finally:
            places.release()

    Thread(target=do).start()
