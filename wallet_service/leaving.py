"""Leaving without losing a call: whoever is told to stop serves for a moment more, and lets its callers go first.

A server that stops closes the connections that it keeps open. A call that is sent on one of them at that instant gets
no answer, and its sender cannot know what became of it. So each answer of the last moment says that its connection ends
with it, and ``/readyz`` tells a load balancer to send nobody any more. Only then does the server stop: the calls that
are in are finished, and what comes after that finds nobody.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Timer
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["LEAVE", "LEAVING_SECONDS", "Leaving", "leave_first"]

LEAVE = signal.SIGUSR1
"""Tells a worker to let its callers go. Processes that are not told what to do at it must have it blocked."""
LEAVING_SECONDS = 2.0
"""A connection on which a call comes within that time is not closed under one."""
READY = "/readyz"
NOT_READY = b'{"status":"unavailable","reason":"it is being stopped"}'

log = structlog.get_logger("serving")


def leave_first() -> None:
    """Have SIGTERM, for which a server has its handler already, first tell our processes to let their callers go.

    That handler acts ``LEAVING_SECONDS`` later, or at a second signal.
    """
    stop = signal.getsignal(signal.SIGTERM)

    def begin(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, stop)
        for process in multiprocessing.active_children():
            with suppress(ProcessLookupError):
                os.kill(process.pid or 0, LEAVE)
        timer = Timer(LEAVING_SECONDS, os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, begin)


class Leaving:
    """A WSGI application that answers as another one does and, once it is to leave, ends each connection with that."""

    def __init__(self, app: "WSGIApplication") -> None:
        """Stand in front of ``app``."""
        self._app = app
        self._is_leaving = False

    def begin(self) -> None:
        """Leave from now on."""
        self._is_leaving = True
        log.info("leaving", process=os.getpid(), seconds=LEAVING_SECONDS)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        if not self._is_leaving:
            return self._app(environ, start_response)
        if environ["PATH_INFO"] == READY:
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(NOT_READY)))]
            _closing(start_response)("503 Service Unavailable", headers)
            return [NOT_READY]
        return self._app(environ, _closing(start_response))


def _closing(start_response: "StartResponse") -> "StartResponse":
    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Callable[[bytes], object]:
        return start_response(status, [*headers, ("Connection", "close")], *more)

    return start
