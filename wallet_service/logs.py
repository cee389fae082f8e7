"""The service's log: one JSON object a line on standard error, with UTC times. No secret and no hash ever enters it."""

import logging
import sys
from contextlib import suppress
from threading import Lock

import structlog

__all__ = ["configure_logs"]


def configure_logs(level: str) -> None:
    """Send structlog's events of at least ``level`` to standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )


class _Lines:
    """Writes lines to standard error as long as that takes them.

    A full disk or a closed pipe must not turn a call that took effect into an error, and there is nobody left to tell.
    """

    def __init__(self, *_: object) -> None:
        self._lock = Lock()

    def msg(self, line: str) -> None:
        with suppress(OSError), self._lock:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = msg
