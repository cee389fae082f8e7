"""The calls that v4.02 has."""

from wallet_service.versions.endpoint import Method, Version
from wallet_service.versions.v4_02.answers import answer
from wallet_service.versions.v4_02.schemas import (
    BalanceSchema,
    BetSchema,
    RefundSchema,
    to_balance,
    to_bet,
    to_refund,
)

__all__ = ["v4_02"]


def v4_02(prefix: str) -> Version:
    """Return the version under its path, which white-label brands choose."""
    return Version(
        name="v4.02",
        prefix=prefix,
        methods=(
            Method("Balance", BalanceSchema(), to_balance, ("currency", "cash")),
            Method("Bet", BetSchema(), to_bet, ("transactionId", "currency", "cash")),
            Method("Refund", RefundSchema(), to_refund, ("transactionId",)),
        ),
        hash_required=False,
        answer=answer,
    )
