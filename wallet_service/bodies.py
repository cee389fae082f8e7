"""Waiting for the bodies of requests under Granian: for how many at once, for how long, and whether they came whole.

Granian gives a request to a thread when its head is there. Whoever reads the body then waits for as long as the sender
keeps the connection open, and gets what came until it broke as if that were all. So without what is here, a few dozen
senders that begin a body and fall silent hold every thread, and half a call can take effect.
"""

from collections.abc import Iterable
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from werkzeug.exceptions import ClientDisconnected, ServiceUnavailable
from werkzeug.wsgi import get_content_length

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["STEP_OUT", "AwaitedBodies", "Wait"]

STEP_OUT = "wallet_service.step_out"
"""In a request's environment, whose place it holds (``Admission``): who waits for a body leaves the place to others."""
LONGEST_BODY = 256 * 1024 + 1
"""No part of the application takes more; one byte beyond tells it that there is more."""


class Wait(NamedTuple):
    """A body that is waited for: from whom, on which port of ours, and since when (``monotonic()``)."""

    address: str
    port: int
    since: float


class AwaitedBodies:
    """A WSGI application that reads the bodies of another one's requests, when that asks for them.

    At most ``at_once`` bodies are waited for, at most ``at_once_below`` of them of requests whose path begins with
    ``prefix``: of those, the bodies are read before it is known who sends them. Further ones are told to come again.
    """

    def __init__(self, app: "WSGIApplication", at_once: int, prefix: str, at_once_below: int) -> None:
        """Stand in front of ``app``."""
        self._app = app
        self._at_once = at_once
        self._prefix = prefix
        self._at_once_below = at_once_below
        self._lock = Lock()
        self._waits: dict[object, Wait] = {}
        self._below = 0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        # Its path is looked at now: whoever is in between may take its beginning away.
        below = environ["PATH_INFO"].startswith(self._prefix)
        environ["wsgi.input"] = _Body(environ, self, below=below)
        return self._app(environ, start_response)

    def waits(self) -> list[Wait]:
        """Return what is waited for at this moment."""
        with self._lock:
            return list(self._waits.values())

    def read(self, environ: "WSGIEnvironment", source: Any, *, below: bool) -> bytes:
        """Return a request's body, or the first ``LONGEST_BODY`` bytes of it.

        Raises:
            ClientDisconnected: less came than was announced.
            ServiceUnavailable: too many bodies are waited for.

        """
        announced = get_content_length(environ)
        size = LONGEST_BODY if announced is None else min(announced, LONGEST_BODY)
        body: bytes = self._await(environ, source, size, below=below) if size else b""
        if announced is not None and len(body) < size:
            raise ClientDisconnected("The body is shorter than its Content-Length.")
        return body

    def _await(self, environ: "WSGIEnvironment", source: Any, size: int, *, below: bool) -> bytes:
        wait = Wait(environ["REMOTE_ADDR"], int(environ["SERVER_PORT"]), monotonic())
        key = object()
        with self._lock:
            if len(self._waits) >= self._at_once or (below and self._below >= self._at_once_below):
                raise ServiceUnavailable("Too many requests are sent slowly. Send this one again.")
            self._waits[key] = wait
            self._below += below
        step_out = environ.get(STEP_OUT)
        if step_out:
            step_out(1)
        try:
            # Granian waits for this many bytes or the end, the GIL released.
            body: bytes = source.read(size)
            return body
        finally:
            if step_out:
                step_out(-1)
            with self._lock:
                del self._waits[key]
                self._below -= below


class _Body:
    """The part of a request's input that Werkzeug uses: the body is waited for when it is first read, and whole."""

    __slots__ = ("_at", "_below", "_bodies", "_body", "_environ", "_source")

    def __init__(self, environ: "WSGIEnvironment", bodies: AwaitedBodies, *, below: bool) -> None:
        self._below = below
        self._environ = environ
        self._bodies = bodies
        self._source = environ["wsgi.input"]
        self._body: bytes | None = None
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the body, at most ``size``; none at its end."""
        if self._body is None:
            self._body = self._bodies.read(self._environ, self._source, below=self._below)
        part = self._body[self._at :] if size < 0 else self._body[self._at : self._at + size]
        self._at += len(part)
        return part
