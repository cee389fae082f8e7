"""The calls that V4 has."""

from wallet_service.versions.endpoint import Method, Version
from wallet_service.versions.requests import CALLS
from wallet_service.versions.v4 import schemas
from wallet_service.versions.v4.answers import answer

__all__ = ["METHODS", "PREFIX", "v4"]

PREFIX = "/V4"
METHODS = tuple(
    Method(name, schema, *CALLS[name])
    for name, schema in {
        "Check": schemas.PlayerSchema(),
        "Balance": schemas.PlayerSchema(),
        "Bet": schemas.BetSchema(),
        "Result": schemas.ResultSchema(),
        "EndRound": schemas.EndRoundSchema(),
        "Cancel": schemas.CancelSchema(),
        "Refund": schemas.RefundSchema(),
        "PromoWin": schemas.PromoWinSchema(),
        "BonusWin": schemas.BonusWinSchema(),
        "JackpotWin": schemas.JackpotWinSchema(),
        "SessionExpired": schemas.SessionExpiredSchema(),
    }.items()
)


def v4(currency: str | None) -> Version:
    """Return the version; ``currency`` names the wallet its calls mean, ``None`` the player's only one."""
    return Version("V4", PREFIX, METHODS, hash_required=True, currency=currency, answer=answer)
