"""What every request of the operator API has in common: the token, outcomes by their names, one log line."""

from collections.abc import Callable
from dataclasses import dataclass
from json import dumps
from time import perf_counter

import structlog
from flask import Response, request
from werkzeug.exceptions import ServiceUnavailable

from wallet_service.auth import Credentials
from wallet_service.early_answers import EarlyAnswer
from wallet_service.ledger.feed import FeedUnavailableError
from wallet_service.ledger.ledger import LedgerUnavailableError
from wallet_service.ledger.money import format_money
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.logs import MAX_LOGGED_PATH
from wallet_service.metrics import Metrics
from wallet_service.operator_api.answers import STATUS
from wallet_service.versions.endpoint import Answer, InvalidRequestError

__all__ = ["UNKNOWN_SENDER", "Handling", "answer_body"]

log = structlog.get_logger("operator")


@dataclass(frozen=True, slots=True)
class Handling:
    """Answers the current request if it has one of the operator's tokens."""

    credentials: Credentials
    metrics: Metrics

    def __call__(self, act: Callable[[], Receipt | Response]) -> Response:
        """Do what is asked, and answer with the receipt or as ``act`` says. It may raise ``InvalidRequestError``."""
        started = perf_counter()
        field: str | None = None
        facts: dict[str, str] = {}
        response: Response | None = None
        try:
            check_token(self.credentials)
            done = act()
            if isinstance(done, Response):
                response, receipt = done, Receipt(Outcome.APPLIED)
            else:
                receipt = done
        except InvalidRequestError as error:
            receipt, field = Receipt(error.outcome), error.field
            if error.outcome is Outcome.CREDENTIALS_WRONG and not self.credentials.count_failure(request):
                self.metrics.turned_away("unknown_sender")
                return answer(receipt, field)
        except (FeedUnavailableError, LedgerUnavailableError, ServiceUnavailable) as error:
            receipt = Receipt(Outcome.UNAVAILABLE)
            facts["reason"] = str(error)
        seconds = perf_counter() - started
        self.metrics.call("operator", str(request.endpoint).rpartition(".")[2], receipt.outcome.value, seconds)
        log.info(
            "operator call",
            path=request.path[:MAX_LOGGED_PATH],
            **facts,
            outcome=receipt.outcome.value,
            field=field,
            id=str(receipt.transaction_id) if receipt.transaction_id else None,
            duration_ms=round(seconds * 1000, 3),
        )
        return response or answer(receipt, field)


def check_token(credentials: Credentials) -> None:
    """Check the request's bearer token.

    Raises:
        InvalidRequestError: it is missing or wrong.

    """
    if not credentials.operator_token_valid(request.headers.get("Authorization", "")):
        raise InvalidRequestError(Outcome.CREDENTIALS_WRONG)


def answer(receipt: Receipt, field: str | None) -> Response:
    """Answer with a receipt; the field is the one that an input error is about."""
    return Response(answer_body(receipt, field), STATUS[receipt.outcome], mimetype="application/json")


def answer_body(receipt: Receipt, field: str | None) -> str:
    """Write the outcome by its name and, where they are known, transaction, currency and balance."""
    facts = {
        "outcome": receipt.outcome.value,
        "field": field,
        "transaction_id": str(receipt.transaction_id) if receipt.transaction_id else None,
        "currency": receipt.currency,
        "balance": None if receipt.balance is None else format_money(receipt.balance),
    }
    return dumps({name: value for name, value in facts.items() if value is not None})


UNKNOWN_SENDER = EarlyAnswer(
    Answer(STATUS[Outcome.CREDENTIALS_WRONG], answer_body(Receipt(Outcome.CREDENTIALS_WRONG), None))
)
"""What a request is answered without being read whose credentials are wrong."""
