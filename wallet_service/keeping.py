"""Keeping a process of ours running: when it ends by itself it is started again, each time after a longer pause."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess
from threading import Event, Lock, Thread
from time import monotonic

import structlog

__all__ = ["kept_running"]

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
RAN_WELL_S = 60.0
"""After that long, the pauses begin anew."""

log = structlog.get_logger("serving")


@contextmanager
def kept_running(
    make: Callable[[], SpawnProcess], is_stopping: Callable[[], bool], patience_s: float
) -> Iterator[None]:
    """Run the process that ``make`` makes, and another one whenever it ends, until the block is left.

    It is then told to end, and killed after ``patience_s`` seconds. While ``is_stopping`` says so, none is started: a
    terminal's Ctrl-C reaches the process, too.
    """
    keeper = _Keeper(make, is_stopping)
    thread = Thread(target=keeper.keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        keeper.stop()
        thread.join(patience_s)
        keeper.kill()
        thread.join()


class _Keeper:
    """Starts the process, and waits for its end, in one thread; another one stops it."""

    def __init__(self, make: Callable[[], SpawnProcess], is_stopping: Callable[[], bool]) -> None:
        self._make = make
        self._is_stopping = is_stopping
        self._stopped = Event()
        self._starting = Lock()
        self._process = make()
        self._process.start()

    def keep(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            started = monotonic()
            self._process.join()
            if self._stopped.is_set() or self._is_stopping():
                return
            if monotonic() - started >= RAN_WELL_S:
                pause = FIRST_PAUSE_S
            log.error("process ended", process=self._process.name, code=self._process.exitcode, again_in_seconds=pause)
            if self._stopped.wait(pause):
                return
            pause = min(2 * pause, LONGEST_PAUSE_S)
            with self._starting:
                if self._stopped.is_set() or self._is_stopping():
                    return
                self._start_another()

    def _start_another(self) -> None:
        another = self._make()
        try:
            another.start()
        except OSError:  # no memory for it, say; the next turn tries again
            log.exception("process not started", process=another.name)
        else:
            self._process = another

    def stop(self) -> None:
        with self._starting:  # what is being started is stopped, too
            self._stopped.set()
            self._process.terminate()

    def kill(self) -> None:
        self._process.kill()
