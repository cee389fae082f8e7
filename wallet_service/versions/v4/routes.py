"""The calls that V4 has."""

from typing import Any

from wallet_service.ledger.calls import Refund
from wallet_service.versions.endpoint import Method, Version
from wallet_service.versions.v4.answers import answer
from wallet_service.versions.v4.schemas import RefundSchema

__all__ = ["PREFIX", "v4"]

PREFIX = "/V4"


def v4(currency: str | None) -> Version:
    """Return the version; ``currency`` names the wallet its calls mean, ``None`` the player's only one."""

    def to_refund(data: dict[str, Any], sent: str) -> Refund:
        return Refund(
            user_id=data["userId"],
            currency=currency,
            round_id=data["roundId"],
            game_id=data["gameId"],
            reference=data["reference"],
            amount=data["amount"],
            sent=sent,
        )

    return Version(
        name="V4",
        prefix=PREFIX,
        methods=(Method("Refund", RefundSchema(), to_refund, ("transactionId",)),),
        hash_required=True,
        answer=answer,
    )
