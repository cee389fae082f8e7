"""The service's log: one JSON object a line on standard error, with UTC times. No secret and no hash ever enters it."""

import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from json import JSONEncoder
from select import PIPE_BUF
from threading import Lock
from typing import Any

import structlog

__all__ = ["MAX_LOGGED_PATH", "configure_logs"]

MAX_LOGGED_PATH = 200
"""Characters of a request's path that are logged: anybody may send a long one."""
MAX_LEFT = 10_000
"""Lines that wait to be written while standard error takes none; later ones are dropped, and counted."""


def configure_logs(level: str) -> None:
    """Send structlog's events of at least ``level`` to standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_as_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )


_encoder = JSONEncoder(default=repr)  # made once: for dumps() with a default, one is made for each line


def _as_json(event: dict[str, Any], **_: object) -> str:
    return _encoder.encode(event)


def _parts(lines: Iterable[str]) -> Iterator[str]:
    """Join whole lines as far as a pipe takes them in one piece: other workers write to it too."""
    part = ""
    for line in lines:
        if part and len(part.encode()) + len(line.encode()) > PIPE_BUF:
            yield part
            part = ""
        part += line
    yield part


class _Lines:
    """Writes lines to standard error as long as that takes them.

    A full disk or a closed pipe must not turn a call that took effect into an error, and there is nobody left to tell.
    Threads do not queue to write: one writes what is left by then, one more waits to write what is left meanwhile, and
    the others leave their lines to that one and go on.
    """

    def __init__(self, *_: object) -> None:
        self._left: deque[str] = deque()
        self._dropped = 0
        self.pen = Lock()
        """Held by the thread that writes."""
        self.heir = Lock()
        """Held by the thread that waits for the pen."""

    def msg(self, line: str) -> None:
        if len(self._left) >= MAX_LEFT:
            self._dropped += 1
            return
        self._left.append(line + "\n")
        if not self.pen.acquire(blocking=False):
            if not self.heir.acquire(blocking=False):
                return  # who waits for the pen takes this line along
            self.pen.acquire()
            self.heir.release()
        try:
            with suppress(OSError):
                for lines in _parts(self._taken()):
                    sys.stderr.write(lines)
                    sys.stderr.flush()
        finally:
            self.pen.release()

    def _taken(self) -> Iterator[str]:
        """Take every line that is left."""
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            yield _as_json({"event": "log lines dropped", "number": dropped, "level": "warning"}) + "\n"
        for _ in range(len(self._left)):
            yield self._left.popleft()

    debug = info = warning = error = critical = msg
