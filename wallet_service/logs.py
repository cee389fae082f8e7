"""The service's log: one JSON object a line on standard error, with UTC times. No secret and no hash ever enters it."""

import logging
import sys
from collections import deque
from contextlib import suppress
from json import JSONEncoder
from threading import Lock
from typing import Any

import structlog

__all__ = ["configure_logs"]


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


class _Lines:
    """Writes lines to standard error as long as that takes them.

    A full disk or a closed pipe must not turn a call that took effect into an error, and there is nobody left to tell.
    Threads do not queue for the write: whoever finds nobody writing writes what all have left.
    """

    def __init__(self, *_: object) -> None:
        self._left: deque[str] = deque()
        self._writing = Lock()

    def msg(self, line: str) -> None:
        self._left.append(line + "\n")
        # Looked at again after the lock is let go: a line may have been left just before that.
        while self._left and self._writing.acquire(blocking=False):
            try:
                with suppress(OSError):
                    sys.stderr.write("".join(self._left.popleft() for _ in range(len(self._left))))
                    sys.stderr.flush()
            finally:
                self._writing.release()

    debug = info = warning = error = critical = msg
