"""Every outcome as V4 says it: an HTTP status, and an error object with a code.

The codes carry the numbers of v4.02, ``V`` for what is wrong with the input and ``G`` for the rest, so that a person
reads one list for both versions.
"""

from http import HTTPStatus
from json import dumps

from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.versions.endpoint import Answer, Method

__all__ = ["ANSWERS", "answer", "not_a_call"]

ANSWERS: dict[Outcome, tuple[int, str, str]] = {
    Outcome.CREDENTIALS_WRONG: (401, "G.54", "CREDENTIALS WRONG"),
    Outcome.INVALID_PARAMETER: (400, "V.57", "INVALID PARAMETER '{field}'"),
    Outcome.INVALID_AMOUNT: (400, "V.59", "INVALID AMOUNT '{field}'"),
    Outcome.EMPTY_FIELD: (400, "V.64", "EMPTY MANDATORY FIELD '{field}'"),
    Outcome.PLAYER_UNKNOWN: (404, "G.62", "PLAYER NOT FOUND"),
    Outcome.WALLET_EXISTS: (409, "G.999", "WALLET EXISTS"),
    Outcome.WALLET_UNKNOWN: (404, "G.14", "NO WALLET FOR THAT CURRENCY"),
    Outcome.CURRENCY_MISMATCH: (409, "G.52", "CURRENCY DOES NOT MATCH THE ROUND'S"),
    Outcome.ROUND_REFUNDED: (409, "G.999", "ROUND WAS REFUNDED"),
    Outcome.REFERENCE_REUSED: (409, "G.999", "REFERENCE BELONGS TO ANOTHER BET"),
    Outcome.PLAYER_FROZEN: (403, "G.56", "PLAYER FROZEN"),
    Outcome.INSUFFICIENT_BALANCE: (402, "G.15", "INSUFFICIENT BALANCE"),
    Outcome.UNAVAILABLE: (503, "G.998", "INTERNAL ERROR, RESEND"),
    Outcome.REPLAYED: (200, "", "Success"),
    Outcome.APPLIED: (200, "", "Success"),
}


def answer(_method: Method, receipt: Receipt, field: str | None) -> Answer:
    """Write the answer to a call."""
    status, code, message = ANSWERS[receipt.outcome]
    if code:
        return _error(status, code, message.format(field=field))
    return Answer(status, dumps({"transactionId": str(receipt.transaction_id), "error": 0, "description": message}))


def not_a_call(status: int, description: str) -> Answer:
    """Write the answer to what is no wallet call: the version's shape under an HTTP status of its own."""
    return _error(status, "V.57" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "G.998", description.upper())


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, dumps({"error": {"code": code, "message": message}}))
