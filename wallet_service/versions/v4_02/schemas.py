"""The requests of v4.02: what it adds to those of either version (contract, sections 3 and 4)."""

from wallet_service.versions.fields import CallSchema, Currency, Identifier
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
    "BalanceSchema",
    "BetSchema",
    "BonusWinSchema",
    "CancelSchema",
    "CheckSchema",
    "EndRoundSchema",
    "JackpotWinSchema",
    "PromoWinSchema",
    "RefundSchema",
    "ResultSchema",
    "SessionExpiredSchema",
]


class _Unique(CallSchema):
    uuid = Identifier(36)


class _InSession(_Unique):
    sessionId = Identifier(256)


class CheckSchema(PlayerRequest, _InSession):
    """Check."""

    currency = Currency()


class BalanceSchema(PlayerRequest, _InSession):
    """Balance."""

    currency = Currency()


class BetSchema(BetRequest, _InSession):
    """Bet."""

    currency = Currency()
    gameName = Identifier(32)


class ResultSchema(ResultRequest, _InSession):
    """Result."""

    currency = Currency()
    gameName = Identifier(32)


class EndRoundSchema(EndRoundRequest, _InSession):
    """EndRound."""

    currency = Currency()


class CancelSchema(CancelRequest, _InSession):
    """Cancel."""

    currency = Currency()
    gameName = Identifier(32)


class RefundSchema(RefundRequest, _Unique):
    """Refund."""

    currency = Currency()
    roundId = Identifier(36)
    gameId = Identifier(32)
    gameName = Identifier(32)


class PromoWinSchema(PromoWinRequest, _Unique):
    """PromoWin."""

    currency = Currency()


class BonusWinSchema(BonusWinRequest, _Unique):
    """BonusWin."""

    currency = Currency()


class JackpotWinSchema(JackpotWinRequest, _Unique):
    """JackpotWin."""

    currency = Currency()


class SessionExpiredSchema(PlayerRequest, _InSession):
    """SessionExpired."""
