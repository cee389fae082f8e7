"""The Refunds that are due: each is sent until its answer is final, however long the wallet is away."""

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from random import Random
from threading import Condition, Thread
from time import monotonic

from wallet_service.sandbox.delivery import Delivery
from wallet_service.sandbox.rounds import Book, State

__all__ = ["Refunds"]

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 30.0
WORKERS = 4
"""Refunds sent at once."""


@dataclass(frozen=True, order=True, slots=True)
class _Due:
    at: float
    """On the monotonic clock."""
    ordinal: int
    round_id: str = field(compare=False)
    random: Random = field(compare=False)
    attempts: int = field(compare=False, default=0)


class Refunds:
    """A queue in order of time, and the threads that work on it."""

    def __init__(self, book: Book, delivery: Delivery, seed: str, pause: float) -> None:
        self._book = book
        self._delivery = delivery
        self._seed = seed
        self._pause = max(pause, SHORTEST_PAUSE_S)
        self._queue: list[_Due] = []
        self._condition = Condition()
        self._workers = [Thread(target=self._work, daemon=True) for _ in range(WORKERS)]

    def start(self) -> None:
        """Begin sending."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Wait for what is being sent; the delivery must have been told to stop."""
        with self._condition:
            self._condition.notify_all()
        for worker in self._workers:
            worker.join()

    def add(self, round_id: str, *, first_now: bool) -> None:
        """Queue a round's Refund. ``first_now``: the first attempt is made before this returns."""
        ordinal = self._book.change(round_id, refund_due=True).ordinal
        due = _Due(monotonic(), ordinal, round_id, Random(f"{self._seed}:{ordinal}:refund"))  # noqa: S311 - no secret
        if first_now:
            self._send(due)
        else:
            self._push(due)

    def _push(self, due: _Due) -> None:
        with self._condition:
            heappush(self._queue, due)
            self._condition.notify()

    def _work(self) -> None:
        while due := self._next():
            self._send(due)

    def _next(self) -> _Due | None:
        with self._condition:
            while not self._delivery.stopping.is_set():
                wait = self._queue[0].at - monotonic() if self._queue else None
                if wait is not None and wait <= 0:
                    return heappop(self._queue)
                self._condition.wait(wait)
        return None

    def _send(self, due: _Due) -> None:
        with self._book.turn(due.round_id):
            the_round = self._book[due.round_id]
            answer = self._delivery.attempt(
                "Refund", the_round, due.random, due.attempts, reference=the_round.refund_reference
            )
            if answer and answer.final:
                state = State.CANCELLED if answer.code == "0" else State.CANCEL_IN_PROCESS
                self._book.change(due.round_id, state=state, refund_due=False)
                self._delivery.close(due.round_id)
                return
        pause = min(LONGEST_PAUSE_S, self._pause * 2 ** min(due.attempts, 16))
        self._push(replace(due, at=monotonic() + pause, attempts=due.attempts + 1))
