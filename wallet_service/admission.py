"""How many wallet calls are let in at once; those beyond are told so at once, in few steps (rule 17).

A wallet that takes on more than it can carry answers every call late, and Lucky Monaco gives up on all of them. So the
calls that are in are answered in time, and the others come again.
"""

from collections.abc import Iterable, Mapping
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from wallet_service.bodies import STEP_OUT
from wallet_service.early_answers import EarlyAnswer, path_of_call
from wallet_service.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Admission"]

TOLD_EVERY_S = 1.0

log = structlog.get_logger("wallet")


class Admission:
    """A WSGI application that turns calls away while ``at_once`` of them are in another one."""

    def __init__(
        self, app: "WSGIApplication", at_once: int, answers: Mapping[str, EarlyAnswer], metrics: Metrics
    ) -> None:
        """Stand in front of ``app``.

        ``answers`` has what a wallet call is answered that is not let in, by its ``path_of_call``. Requests for other
        paths are not counted.
        """
        self._app = app
        self._free = at_once
        self._answers = answers
        self._metrics = metrics
        self._lock = Lock()
        self._turned_away = 0
        self._told_at = 0.0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        answer = self._answers.get(path_of_call(environ["PATH_INFO"]))
        if answer is None:
            return self._app(environ, start_response)
        with self._lock:
            is_in = self._free > 0
            self._free -= is_in
        if not is_in:
            self._metrics.turned_away("busy")
            self._tell()
            return answer.send(start_response)
        environ[STEP_OUT] = self._step_out
        try:
            return self._app(environ, start_response)  # a wallet call's answer is whole when this returns
        finally:
            with self._lock:
                self._free += 1

    def _step_out(self, by: int) -> None:
        """Give the place of a call that waits for its body to others (1), or take it back (-1), be there one or not."""
        with self._lock:
            self._free += by

    def _tell(self) -> None:
        """Log how many were turned away, a line a second at most: logging each would take the calls' own time."""
        now = monotonic()
        with self._lock:
            self._turned_away += 1
            if now < self._told_at + TOLD_EVERY_S:
                return
            number, self._turned_away, self._told_at = self._turned_away, 0, now
        log.warning("turned away", calls=number)
