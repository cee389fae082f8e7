"""Every outcome as v4.02 says it: HTTP 200 and a code of the contract's section 6."""

from collections.abc import Callable
from http import HTTPStatus
from json import dumps
from typing import Any

from wallet_service.ledger.money import format_money
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.versions.endpoint import Answer, Method

__all__ = ["ANSWERS", "answer", "not_a_call"]

# Lucky Monaco resends after any code but 0, 15 and 999.
ANSWERS: dict[Outcome, tuple[int, str]] = {
    Outcome.CREDENTIALS_WRONG: (54, "Credentials wrong"),
    Outcome.INVALID_PARAMETER: (57, "Invalid parameter '{field}'"),
    Outcome.INVALID_AMOUNT: (59, "Invalid amount '{field}'"),
    Outcome.EMPTY_FIELD: (64, "Empty mandatory field '{field}'"),
    Outcome.CURRENCY_UNKNOWN: (71, "Currency code unknown"),
    Outcome.PLAYER_UNKNOWN: (62, "Player not found"),
    Outcome.WALLET_EXISTS: (999, "Wallet exists"),
    Outcome.WALLET_UNKNOWN: (14, "No wallet for that currency"),
    Outcome.CURRENCY_MISMATCH: (52, "Currency does not match the round's"),
    Outcome.ROUND_REFUNDED: (999, "Round was refunded"),
    Outcome.BET_CANCELLED: (999, "Bet was cancelled"),
    Outcome.REFERENCE_REUSED: (999, "Reference belongs to another transaction"),
    Outcome.ROUND_SETTLED: (999, "Round is settled"),
    Outcome.REVERSAL_NOT_COVERED: (999, "Balance does not cover the round's wins"),
    Outcome.BET_IN_ANOTHER_ROUND: (999, "Bet stands in another round"),
    Outcome.LAST_BET_OF_SETTLED_ROUND: (999, "Last bet of a settled round"),
    Outcome.BETS_CANCELLED: (999, "Every bet of the round was cancelled"),
    Outcome.ROUND_WITHOUT_BET: (998, "Round has no bet, resend"),
    Outcome.ROUND_ENDED: (999, "Round was ended"),
    Outcome.PLAYER_FROZEN: (56, "Player frozen"),
    Outcome.INSUFFICIENT_BALANCE: (15, "Insufficient balance"),
    Outcome.REVIEW_UNKNOWN: (999, "Nothing to decide"),
    Outcome.CANCELLATION_UNDER_WAY: (999, "Cancellation is under way"),
    Outcome.UNAVAILABLE: (998, "Internal error, resend"),
    Outcome.REPLAYED: (0, "Success"),
    Outcome.APPLIED: (0, "Success"),
}
UNAVAILABLE_AT_END_ROUND = 997

SUCCESS = frozenset({Outcome.REPLAYED, Outcome.APPLIED})
BALANCE_FIELDS = ("currency", "cash")
FACTS: dict[str, Callable[[Receipt], str | None]] = {
    "transactionId": lambda receipt: str(receipt.transaction_id),
    "currency": lambda receipt: receipt.currency,
    "cash": lambda receipt: None if receipt.balance is None else format_money(receipt.balance),
}
"""What a field says of a call."""


def answer(method: Method, receipt: Receipt, field: str | None) -> Answer:
    """Write the answer to a call. Beside a refusal stands the balance, where the wallet is known."""
    code, description = ANSWERS[receipt.outcome]
    if receipt.outcome is Outcome.UNAVAILABLE and method.name == "EndRound":
        code = UNAVAILABLE_AT_END_ROUND
    refused_with = () if receipt.balance is None else BALANCE_FIELDS
    names = method.answered if receipt.outcome in SUCCESS else refused_with
    facts: dict[str, Any] = {name: FACTS[name](receipt) for name in names}
    return Answer(200, dumps(facts | {"error": code, "description": description.format(field=field)}))


def not_a_call(status: int, description: str) -> Answer:
    """Write the answer to what is no wallet call: the version's shape under an HTTP status of its own."""
    code = 57 if status < HTTPStatus.INTERNAL_SERVER_ERROR else 998
    return Answer(status, dumps({"error": code, "description": description}))
