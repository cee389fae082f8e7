"""Examples of requests and answers, made by the code that reads and writes them."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

from wallet_service.auth import body_hash
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.versions.endpoint import Method, Version

__all__ = ["EXAMPLE_SECRET", "answer_example", "request_example"]

EXAMPLE_SECRET = "testKey"  # noqa: S105 - of the contract's published examples, and nobody's
"""The hash secret of the examples."""

VALUES: dict[str, Any] = {
    "providerId": "LuckyMonaco",
    "userId": "demo",
    "currency": "USD",
    "sessionId": "6fd2d6f3bb8f4c5a9fadf15d81206af2",
    "uuid": "6f1c0b1e",
    "reference": "bet-4711",
    "roundId": "2",
    "gameId": "vs20lucky",
    "gameName": "Lucky Twenty",
    "amount": "25.00",
    "roundDetails": "spin",
    "timestamp": "1769817600000",
    "campaignId": "spring",
    "campaignType": "T",
    "jackpotId": "grand",
    # The operator's own names.
    "user_id": "demo",
    "balance": "1000.00",
    "by": "ann",
    "reason": "asked for it",
}
RECEIPT = Receipt(Outcome.APPLIED, UUID("01999f2c-7d3a-7c4e-9b1f-2a6d5e8c4b70"), "USD", Decimal(975))


def request_example(fields: dict[str, Any], *, hashed: bool) -> dict[str, Any]:
    """Return a request with every required field, and with its hash where the version wants one.

    ``fields`` are a schema's, by name.
    """
    example = {name: VALUES[name] for name, field in fields.items() if field.required}
    if hashed:
        example["hash"] = body_hash(example.items(), EXAMPLE_SECRET, encoded=False, empty_kept=True)
    return example


def answer_example(version: Version, method: Method, outcome: Outcome) -> Any:
    """Return the body of an answer."""
    receipt = RECEIPT if outcome is Outcome.APPLIED else Receipt(outcome)
    return json.loads(version.answer(method, receipt, "amount").body)
