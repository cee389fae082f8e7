"""The calls that v4.02 has."""

from wallet_service.versions.endpoint import Method, Version
from wallet_service.versions.requests import CALLS
from wallet_service.versions.v4_02 import schemas
from wallet_service.versions.v4_02.answers import answer

__all__ = ["METHODS", "v4_02"]

METHODS = tuple(
    Method(name, schema, *CALLS[name])
    for name, schema in {
        "Check": schemas.CheckSchema(),
        "Balance": schemas.BalanceSchema(),
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


def v4_02(prefix: str) -> Version:
    """Return the version under its path, which white-label brands choose. Its calls name their currency."""
    return Version("v4.02", prefix, METHODS, hash_required=False, currency=None, answer=answer)
