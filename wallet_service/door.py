"""Refuses early who failed too often and fails again, before a call of theirs takes one of the places for calls."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from wallet_service.auth import Credentials
from wallet_service.early_answers import EarlyAnswer, path_of_call
from wallet_service.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Door"]


class Door:
    """A WSGI application in front of another one.

    While nobody has failed too often it lets everybody pass, and so it does at any time with those whose credentials
    are right. Of the others' requests it reads no body, and logs none by itself.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        credentials: Credentials,
        answers: Mapping[str, EarlyAnswer],
        operator_prefix: str,
        operator_answer: EarlyAnswer,
        metrics: Metrics,
    ) -> None:
        """Stand in front of ``app``.

        ``answers`` has what a wallet call with wrong credentials is answered, by its ``path_of_call``; the operator
        API's requests are those below ``operator_prefix``.
        """
        self._app = app
        self._credentials = credentials
        self._answers = answers
        self._operator_prefix = f"{operator_prefix}/"
        self._operator_answer = operator_answer
        self._metrics = metrics

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        answer = self._refusal(Request(environ)) if self._credentials.failures.any_over else None
        return self._app(environ, start_response) if answer is None else answer.send(start_response)

    def _refusal(self, request: Request) -> EarlyAnswer | None:
        """Return what to answer to somebody who is not let pass."""
        credentials = self._credentials
        peer, forwarded_for = request.remote_addr, request.headers.get("X-Forwarded-For")
        address = credentials.sender(peer, forwarded_for)
        if not credentials.failures.is_over(address):
            return None
        path = path_of_call(request.path)
        answer = self._answers.get(path) if request.method == "POST" else None
        if answer is not None:
            right = credentials.network_allowed(peer, forwarded_for) and credentials.url_token_valid(request.args)
        elif path.startswith(self._operator_prefix):
            answer = self._operator_answer
            right = credentials.operator_token_valid(request.headers.get("Authorization", ""))
        else:
            return None
        if right:
            return None
        credentials.failures.count(address)
        self._metrics.turned_away("unknown_sender")
        return answer
