"""The requests of V4: what it adds to those of either version (contract, sections 3 and 4)."""

from typing import ClassVar

from wallet_service.versions.fields import Amount, Anything, CallSchema, Currency, Identifier
from wallet_service.versions.requests import (
    BetRequest,
    BonusWinRequest,
    CancelRequest,
    EndRoundRequest,
    JackpotWinRequest,
    PlayerRequest,
    PromoWinRequest,
    RefundRequest,
    ResultRequest,
)

__all__ = [
    "BetSchema",
    "BonusWinSchema",
    "CancelSchema",
    "EndRoundSchema",
    "JackpotWinSchema",
    "PlayerSchema",
    "PromoWinSchema",
    "RefundSchema",
    "ResultSchema",
    "SessionExpiredSchema",
]


class _WithToken(CallSchema):
    token = Anything(required=False)


class PlayerSchema(PlayerRequest, _WithToken):
    """Check and Balance."""


class BetSchema(BetRequest, _WithToken):
    """Bet."""


class ResultSchema(ResultRequest, _WithToken):
    """Result."""


class EndRoundSchema(EndRoundRequest, _WithToken):
    """EndRound."""


class CancelSchema(CancelRequest, _WithToken):
    """Cancel."""


class RefundSchema(RefundRequest, _WithToken):
    """Refund. Without a roundId, the reference is that of the bet to return."""

    roundId = Identifier(36, required=False)
    gameId = Identifier(32, required=False)
    amount = Amount(required=False)
    timestamp = Anything(required=False)
    roundDetails = Anything(required=False)
    platform = Anything(required=False)


class PromoWinSchema(PromoWinRequest, _WithToken):
    """PromoWin, the one call of this version that names a currency."""

    currency = Currency()


class BonusWinSchema(BonusWinRequest, _WithToken):
    """BonusWin."""


class JackpotWinSchema(JackpotWinRequest, _WithToken):
    """JackpotWin."""


class SessionExpiredSchema(PlayerRequest, _WithToken):
    """SessionExpired, which calls the player playerId."""

    spellings: ClassVar[dict[str, str]] = {**CallSchema.spellings, "playerId": "userId"}
    sessionId = Identifier(256)
