"""Examples of requests and answers, made by the code that reads and writes them."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from wallet_service.auth import body_hash
from wallet_service.ledger.feed import FeedRow
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.operator_api.handling import answer_body
from wallet_service.versions.endpoint import Method, Version

__all__ = [
    "EXAMPLE_SECRET",
    "FEED_ROW",
    "VALUES",
    "answer_example",
    "operator_answer_example",
    "request_example",
]

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
TRANSACTION = UUID("01999f2c-7d3a-7c4e-9b1f-2a6d5e8c4b70")
SHOWN = frozenset({"balance"})
"""Not required, and worth showing."""
WINS = frozenset({"Result", "PromoWin", "BonusWin", "JackpotWin"})
BALANCES = {"Bet": 975, "EndRound": 975, "PromoWin": 1025, "BonusWin": 1025, "JackpotWin": 1025}
"""What ``demo`` has after a call, where that is not 1000, which it was before it or before the bet that it follows."""
OPERATOR_RECEIPTS = {
    "/wallets": Receipt(Outcome.APPLIED, None, "USD", Decimal(1000)),
    "/deposits": Receipt(Outcome.APPLIED, TRANSACTION, "USD", Decimal(1025)),
    "/withdrawals": Receipt(Outcome.APPLIED, TRANSACTION, "USD", Decimal(975)),
    "/players/{user_id}/freeze": Receipt(Outcome.APPLIED),
    "/players/{user_id}/unfreeze": Receipt(Outcome.REPLAYED),
    "/players/{user_id}/wallets/{currency}": Receipt(Outcome.APPLIED, None, "USD", Decimal(1000)),
}
FEED_ROW = FeedRow(
    at=datetime(2026, 1, 31, 0, 0, 0, 250_000, UTC),
    user_id="demo",
    currency="USD",
    seq=1,
    id=TRANSACTION,
    call="bet",
    round_id="2",
    game_id="vs20lucky",
    reference="bet-4711",
    amount=Decimal(-25),
    balance=Decimal(975),
    stated=Decimal(25),
    bonus_code=None,
)
"""The bet of the example."""


def request_example(fields: dict[str, Any], call: str, *, hashed: bool) -> dict[str, Any]:
    """Return a request with the fields that matter, and with its hash where the version wants one.

    ``fields`` are a schema's, by name; ``call`` is the wallet call, or empty.
    """
    references = {"reference": "win-4711"} if call in WINS else {"reference": "payment-4711"} if not call else {}
    values = VALUES | references
    example = {name: values[name] for name, field in fields.items() if field.required or name in SHOWN}
    if hashed:
        example["hash"] = body_hash(example.items(), EXAMPLE_SECRET, encoded=False, empty_kept=True)
    return example


def answer_example(version: Version, method: Method, outcome: Outcome) -> Any:
    """Return the body of an answer."""
    balance = Decimal(BALANCES.get(method.name, 1000))
    receipt = Receipt(outcome, TRANSACTION, "USD", balance) if outcome is Outcome.APPLIED else Receipt(outcome)
    return json.loads(version.answer(method, receipt, "amount").body)


def operator_answer_example(path: str) -> Any:
    """Return the body of the answer to a request of the operator's own platform, by its path below the prefix."""
    return json.loads(answer_body(OPERATOR_RECEIPTS[path], None))
