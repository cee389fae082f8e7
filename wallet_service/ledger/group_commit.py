"""Applying the calls that wait together by one statement, under one commit.

A commit waits for the disk, and a statement for the way to the server and back: for many calls at once both are paid
once. The threads that bring the calls take turns at this. One that finds nobody at it applies its own call; those that
come meanwhile queue, and when it is done the first of them applies all that wait by then. So a call never waits for
others to come, only for the statement under way, and an idle wallet applies each call at once.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import zip_longest
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

__all__ = ["GroupCommit", "WaitedTooLongError"]

Work = TypeVar("Work")
Result = TypeVar("Result")


class WaitedTooLongError(Exception):
    """The work waited for its turn until nobody waited for it any more. It was not begun."""


class _Waiting(Generic[Work, Result]):
    """One thread's work. ``woken`` is held until it is done, or it is the thread's turn."""

    __slots__ = ("done", "is_late", "result", "since", "woken", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.since = monotonic()
        self.done = self.is_late = False
        self.result: Result | None = None
        self.woken = Lock()
        self.woken.acquire()

    def end(self, result: Result | None, *, is_late: bool = False) -> None:
        """Let the thread go on."""
        self.result = result
        self.is_late = is_late
        self.done = True
        self.woken.release()


class GroupCommit(Generic[Work, Result]):
    """Lets threads apply their work in groups of at most ``at_most``, ``at_once`` groups at a time."""

    def __init__(
        self, apply: Callable[[list[Work]], Sequence[Result | None]], *, at_most: int, at_once: int, patience: float
    ) -> None:
        """Apply groups by ``apply``, which returns the results in the work's order, ``None`` for what it left undone.

        No results at all: the group failed. Work that waited for more than ``patience`` seconds is not begun.
        """
        self._apply = apply
        self._at_most = at_most
        self._free = at_once
        self._patience = patience
        self._queue: deque[_Waiting[Work, Result]] = deque()
        self._lock = Lock()

    @property
    def waiting(self) -> int:
        """How much work waits for its turn."""
        return len(self._queue)

    def apply(self, work: Work) -> Result | None:
        """Return the work's result; ``None`` where it was left undone, and is to be applied by itself.

        Raises:
            WaitedTooLongError: its turn came too late.

        """
        mine: _Waiting[Work, Result] = _Waiting(work)
        with self._lock:
            if my_turn := self._free > 0:
                self._free -= 1
            else:
                self._queue.append(mine)
        if not my_turn:
            mine.woken.acquire()
        if not mine.done:
            self._take_turn(mine)
        if mine.is_late:
            raise WaitedTooLongError
        return mine.result

    def _take_turn(self, first: _Waiting[Work, Result]) -> None:
        """Apply a thread's work and what waits besides, and give the turn to the first of those that came meanwhile."""
        group = [first]
        results: Sequence[Result | None] = ()
        try:
            with self._lock:
                self._end_the_late()
                group += [self._queue.popleft() for _ in range(min(self._at_most - 1, len(self._queue)))]
            results = self._apply([waiting.work for waiting in group])
        finally:
            self._pass_turn()
            for waiting, result in zip_longest(group, results):
                waiting.end(result)

    def _pass_turn(self) -> None:
        with self._lock:
            self._end_the_late()
            if self._queue:
                self._queue.popleft().woken.release()
            else:
                self._free += 1

    def _end_the_late(self) -> None:
        """Let those go who waited too long. They came first, so they stand first."""
        while self._queue and monotonic() - self._queue[0].since > self._patience:
            self._queue.popleft().end(None, is_late=True)
