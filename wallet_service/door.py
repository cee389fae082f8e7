"""Refuses early who failed too often and fails again, before a call of theirs takes one of the places for calls."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from wallet_service.auth import Credentials
from wallet_service.versions.endpoint import Answer

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
        refused_by: Callable[[str], Answer | None],
        operator_refused_by: Callable[[str], Answer | None],
    ) -> None:
        """Stand in front of ``app``.

        ``refused_by`` gives, for a path, the answer to a wallet call whose credentials are wrong, ``None`` for paths
        of others; ``operator_refused_by`` does so for the operator API's.
        """
        self._app = app
        self._credentials = credentials
        self._refused_by = refused_by
        self._operator_refused_by = operator_refused_by

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        answer = self._refusal(Request(environ)) if self._credentials.failures.any_over else None
        if answer is None:
            return self._app(environ, start_response)
        body = answer.body.encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [body]

    def _refusal(self, request: Request) -> Answer | None:
        """Return what to answer to somebody who is not let pass."""
        credentials = self._credentials
        peer, forwarded_for = request.remote_addr, request.headers.get("X-Forwarded-For")
        address = credentials.sender(peer, forwarded_for)
        if not credentials.failures.is_over(address):
            return None
        path = "/" + request.path.lstrip("/")
        answer = self._refused_by(path) if request.method == "POST" else None
        if answer is not None:
            right = credentials.network_allowed(peer, forwarded_for) and credentials.url_token_valid(request.args)
        else:
            answer = self._operator_refused_by(path)
            right = credentials.operator_token_valid(request.headers.get("Authorization", ""))
        if answer is None or right:
            return None
        credentials.failures.count(address)
        return answer
