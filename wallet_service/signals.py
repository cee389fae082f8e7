"""Acting on a signal in a thread of its own.

The signal is blocked in every thread but waited for in one, so a process that is only just being started is not ended
by it: it stays pending until that process waits.
"""

import signal
from collections.abc import Callable
from threading import Thread

__all__ = ["at_each"]


def at_each(number: signal.Signals, act: Callable[[], None]) -> None:
    """Do something whenever this process gets that signal.

    Threads and processes that are started later inherit that the signal is blocked; those started before must not be
    left to take it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    Thread(target=_wait, args=(number, act), daemon=True).start()


def _wait(number: signal.Signals, act: Callable[[], None]) -> None:
    while True:
        signal.sigwait({number})
        act()
