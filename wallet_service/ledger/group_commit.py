"""Applying the calls that wait together by one statement, under one commit.

A commit waits for the disk, and a statement for the way to the server and back: for many calls at once both are paid
once. The threads that bring the calls take turns at this. One that finds nobody at it applies its own call; those that
come meanwhile queue, and when it is done the first of them applies all that wait by then. So a call never waits for
others to come, only for the statement under way, and an idle wallet applies each call at once.
"""

from collections import deque
from collections.abc import Callable
from itertools import zip_longest
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["GroupCommit"]

Work = TypeVar("Work")
Result = TypeVar("Result")


class _Waiting(Generic[Work, Result]):
    """One thread's work. ``woken`` is held until it is done, or it is the thread's turn."""

    __slots__ = ("done", "result", "woken", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.done = False
        self.result: Result | None = None
        self.woken = Lock()
        self.woken.acquire()


class GroupCommit(Generic[Work, Result]):
    """Lets threads apply their work in groups of at most ``at_most``, ``at_once`` groups at a time."""

    def __init__(self, apply: Callable[[list[Work]], list[Result]], *, at_most: int, at_once: int) -> None:
        """Apply groups by ``apply``, which returns the results in the work's order, or none where the group failed."""
        self._apply = apply
        self._at_most = at_most
        self._free = at_once
        self._queue: deque[_Waiting[Work, Result]] = deque()
        self._lock = Lock()

    @property
    def waiting(self) -> int:
        """How much work waits for its turn."""
        return len(self._queue)

    def apply(self, work: Work) -> Result | None:
        """Return the work's result; ``None`` where its group failed, and it is to be applied by itself."""
        mine: _Waiting[Work, Result] = _Waiting(work)
        with self._lock:
            if self._free:
                self._free -= 1
                my_turn = True
            else:
                self._queue.append(mine)
                my_turn = False
        if not my_turn:
            mine.woken.acquire()
        if not mine.done:
            self._take_turn(mine)
        return mine.result

    def _take_turn(self, first: _Waiting[Work, Result]) -> None:
        """Apply a thread's work and what waits besides, and give the turn to the first of those that came meanwhile."""
        group = [first]
        with self._lock:
            group += [self._queue.popleft() for _ in range(min(self._at_most - 1, len(self._queue)))]
        results: list[Result] = []
        try:
            results = self._apply([waiting.work for waiting in group])
        finally:
            with self._lock:
                if self._queue:
                    self._queue.popleft().woken.release()
                else:
                    self._free += 1
            for waiting, result in zip_longest(group, results):
                waiting.result = result
                waiting.done = True
                if waiting is not first:
                    waiting.woken.release()
