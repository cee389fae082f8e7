"""Keeping to a number of calls a minute."""

from collections.abc import Callable
from time import monotonic, sleep
from types import TracebackType

__all__ = ["Pace"]


class Pace:
    """Lets so many calls a minute pass: each, as a ``with``, waits for its turn.

    The pause is counted from the end of a call, so that however long each of them is on its way, they arrive no faster.
    What the client repeats after a disturbance is part of one call.
    """

    def __init__(
        self, calls_per_minute: int, clock: Callable[[], float] = monotonic, wait: Callable[[float], None] = sleep
    ) -> None:
        self._pause = 60 / calls_per_minute
        self._clock = clock
        self._wait = wait
        self._next = clock()

    def __enter__(self) -> None:
        early = self._next - self._clock()
        if early > 0:
            self._wait(early)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._next = self._clock() + self._pause
