"""Keeping each worker to a processor core of its own, where there are as many workers as cores.

Python runs one thread of a process at a time, and the threads of a worker hand that turn to one another several times
in a call. Left alone, Linux wakes each on whatever core is idle, whose caches have nothing of what it needs.
docs/performance.md has what that costs: more than what the little that a worker does beside Python gains from another
core. So where every core gets as many workers as any other, each worker keeps to one. Where cores would be left over,
Linux decides: they are for whoever needs them.
"""

import fcntl
import os
from itertools import count
from pathlib import Path

import structlog

__all__ = ["take_core"]

log = structlog.get_logger("serving")


def take_core(places: Path, workers: int) -> int | None:
    """Keep this process to one core, and with it the threads that it starts from now on; return which.

    ``places`` is a file that the ``workers`` of a server share. Each holds one of its bytes locked for as long as it
    lives, and whoever is started in its stead takes that one. ``None``: the cores are not shared out, or that does not
    work here; then the worker goes on without.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []  # only Linux has it
    if not cores or workers % len(cores):
        return None
    try:
        core = cores[_take_place(places) % len(cores)]
        os.sched_setaffinity(0, {core})
    except OSError as error:
        log.warning("no core of its own", reason=str(error))
        return None
    return core


def _take_place(places: Path) -> int:
    """Return the first place that nobody holds, and hold it."""
    file = os.open(places, os.O_RDWR | os.O_CREAT, 0o600)  # never closed: that would give the place away
    for place in count():
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except BlockingIOError:
            continue
        return place
    raise AssertionError  # count() does not end; without this line mypy would expect a place here
