"""Every outcome as V4 says it: an HTTP status, and an error object with a code.

The codes carry the numbers of v4.02, ``V`` for what is wrong with the input and ``G`` for the rest, so that a person
reads one list for both versions.
"""

from collections.abc import Callable
from http import HTTPStatus
from json import dumps
from typing import Any

from wallet_service.ledger.money import format_money
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.versions.body import JsonNumber, write_object
from wallet_service.versions.endpoint import Answer, Method

__all__ = ["ANSWERS", "answer", "not_a_call"]

ANSWERS: dict[Outcome, tuple[int, str, str]] = {
    Outcome.CREDENTIALS_WRONG: (401, "G.54", "CREDENTIALS WRONG"),
    Outcome.INVALID_PARAMETER: (400, "V.57", "INVALID PARAMETER '{field}'"),
    Outcome.INVALID_AMOUNT: (400, "V.59", "INVALID AMOUNT '{field}'"),
    Outcome.EMPTY_FIELD: (400, "V.64", "EMPTY MANDATORY FIELD '{field}'"),
    Outcome.CURRENCY_UNKNOWN: (400, "V.71", "CURRENCY CODE UNKNOWN"),
    Outcome.PLAYER_UNKNOWN: (404, "G.62", "PLAYER NOT FOUND"),
    Outcome.WALLET_EXISTS: (409, "G.999", "WALLET EXISTS"),
    Outcome.WALLET_UNKNOWN: (404, "G.14", "NO WALLET FOR THAT CURRENCY"),
    Outcome.CURRENCY_MISMATCH: (409, "G.52", "CURRENCY DOES NOT MATCH THE ROUND'S"),
    Outcome.ROUND_REFUNDED: (409, "G.999", "ROUND WAS REFUNDED"),
    Outcome.BET_CANCELLED: (409, "G.999", "BET WAS CANCELLED"),
    Outcome.REFERENCE_REUSED: (409, "G.999", "REFERENCE BELONGS TO ANOTHER TRANSACTION"),
    Outcome.ROUND_SETTLED: (409, "G.999", "ROUND IS SETTLED"),
    Outcome.REVERSAL_NOT_COVERED: (409, "G.999", "BALANCE DOES NOT COVER THE ROUND'S WINS"),
    Outcome.BET_IN_ANOTHER_ROUND: (409, "G.999", "BET STANDS IN ANOTHER ROUND"),
    Outcome.LAST_BET_OF_SETTLED_ROUND: (409, "G.999", "LAST BET OF A SETTLED ROUND"),
    Outcome.BETS_CANCELLED: (409, "G.999", "EVERY BET OF THE ROUND WAS CANCELLED"),
    Outcome.ROUND_WITHOUT_BET: (503, "G.998", "ROUND HAS NO BET, RESEND"),
    Outcome.ROUND_ENDED: (409, "G.999", "ROUND WAS ENDED"),
    Outcome.PLAYER_FROZEN: (403, "G.56", "PLAYER FROZEN"),
    Outcome.INSUFFICIENT_BALANCE: (402, "G.15", "INSUFFICIENT BALANCE"),
    Outcome.REVIEW_UNKNOWN: (404, "G.999", "NOTHING TO DECIDE"),
    Outcome.CANCELLATION_UNDER_WAY: (409, "G.999", "CANCELLATION IS UNDER WAY"),
    Outcome.UNAVAILABLE: (503, "G.998", "INTERNAL ERROR, RESEND"),
    Outcome.REPLAYED: (200, "", "Success"),
    Outcome.APPLIED: (200, "", "Success"),
}
UNAVAILABLE_AT_END_ROUND = "G.997"
FACTS: dict[str, Callable[[Receipt], str | None]] = {
    "transactionId": lambda receipt: str(receipt.transaction_id),
    "currency": lambda receipt: receipt.currency,
    "cash": lambda receipt: None if receipt.balance is None else JsonNumber(format_money(receipt.balance)),
}
"""What a field says of a call."""


def answer(method: Method, receipt: Receipt, field: str | None) -> Answer:
    """Write the answer to a call."""
    status, code, message = ANSWERS[receipt.outcome]
    if receipt.outcome is Outcome.UNAVAILABLE and method.name == "EndRound":
        code = UNAVAILABLE_AT_END_ROUND
    if code:
        return _error(status, code, message.format(field=field))
    facts: dict[str, Any] = {name: FACTS[name](receipt) for name in method.answered}
    return Answer(status, write_object(facts | {"error": 0, "description": message}))


def not_a_call(status: int, description: str) -> Answer:
    """Write the answer to what is no wallet call: the version's shape under an HTTP status of its own."""
    return _error(status, "V.57" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "G.998", description.upper())


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, dumps({"error": {"code": code, "message": message}}))
