"""Answers to requests that end before they are read: each is written once, when the application is made."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.versions.endpoint import Answer, Version

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

__all__ = ["EarlyAnswer", "early_answers", "path_of_call"]


class EarlyAnswer:
    """An answer as WSGI sends it."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, answer: Answer) -> None:
        self._status = f"{int(answer.status)} {HTTPStatus(answer.status).phrase}"
        self._body = answer.body.encode()
        self._headers = [("Content-Type", "application/json"), ("Content-Length", str(len(self._body)))]

    def send(self, start_response: "StartResponse") -> list[bytes]:
        """Start the response, and return its body."""
        start_response(self._status, self._headers)
        return [self._body]


def early_answers(versions: tuple[Version, ...], outcome: Outcome) -> Mapping[str, EarlyAnswer]:
    """Return what each version's calls are answered that end so, by their ``path_of_call``."""
    return {
        path_of_call(f"{version.prefix}/{method.name}"): EarlyAnswer(version.answer(method, Receipt(outcome), None))
        for version in versions
        for method in version.methods
    }


def path_of_call(path: str) -> str:
    """Return a path as one spelling of it: a method's name is read in any letter case.

    A doubled slash at the beginning is none to the application behind.
    """
    folder, _, method = path.lstrip("/").rpartition("/")
    return f"/{folder}/{method.lower()}"
