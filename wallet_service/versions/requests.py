"""What each wallet call says in either version, and the ledger call it means (contract, section 4).

A version adds the fields that it alone has. Optional fields that the wallet does not use are listed too: they are kept
with the request, and are no surprise in the log.
"""

from collections.abc import Callable
from typing import Any

from wallet_service.ledger.calls import (
    Balance,
    Bet,
    Cancel,
    Check,
    EndRound,
    Refund,
    Result,
    SessionExpired,
    WalletCall,
    Win,
    WinKind,
)
from wallet_service.versions.fields import Amount, Anything, CallSchema, Identifier, Timestamp

__all__ = [
    "CALLS",
    "BetRequest",
    "BonusWinRequest",
    "CancelRequest",
    "EndRoundRequest",
    "JackpotWinRequest",
    "PlayerRequest",
    "PromoWinRequest",
    "RefundRequest",
    "ResultRequest",
    "ToCall",
]

ToCall = Callable[[dict[str, Any], str | None, str], WalletCall]
"""Makes the call of a valid request's fields, the currency of the wallet it means, and the request as sent."""


UNBOUNDED = 256
"""For names whose length the contract leaves open: enough to refuse no win over one."""


class PlayerRequest(CallSchema):
    """What every call carries."""

    providerId = Identifier(32)
    userId = Identifier(32)


class _StakeOrWinRequest(PlayerRequest):
    amount = Amount()
    reference = Identifier(32)
    roundId = Identifier(36)
    gameId = Identifier(32)
    roundDetails = Anything()
    timestamp = Timestamp()
    bonusCode = Identifier(36, required=False)
    jackpotContribution = Anything(required=False)
    jackpotDetails = Anything(required=False)
    jackpotId = Anything(required=False)


class BetRequest(_StakeOrWinRequest):
    """Bet."""


class ResultRequest(_StakeOrWinRequest):
    """Result."""

    promoWinAmount = Amount(required=False)
    promoWinReference = Identifier(32, required=False)
    promoCampaignID = Anything(required=False)
    promoCampaignType = Anything(required=False)


class EndRoundRequest(PlayerRequest):
    """EndRound."""

    roundId = Identifier(36)
    gameId = Identifier(32)
    win = Amount(required=False)


class CancelRequest(PlayerRequest):
    """Cancel of one bet."""

    reference = Identifier(32)
    roundId = Identifier(36)
    gameId = Identifier(32)
    bonusCode = Identifier(36, required=False)


class RefundRequest(PlayerRequest):
    """Refund of a round."""

    reference = Identifier(32)
    bonusCode = Identifier(36, required=False)


class _WinRequest(PlayerRequest):
    amount = Amount()
    reference = Identifier(32)
    gameId = Identifier(32)
    timestamp = Timestamp()


class PromoWinRequest(_WinRequest):
    """PromoWin."""

    campaignId = Identifier(UNBOUNDED)
    campaignType = Identifier(UNBOUNDED)
    roundId = Identifier(36, required=False)
    dataType = Anything(required=False)


class BonusWinRequest(_WinRequest):
    """BonusWin."""

    roundId = Identifier(36, required=False)
    bonusCode = Identifier(36, required=False)


class JackpotWinRequest(_WinRequest):
    """JackpotWin."""

    roundId = Identifier(36)
    jackpotId = Identifier(UNBOUNDED)


def _to_check(data: dict[str, Any], currency: str | None, sent: str) -> Check:
    return Check(user_id=data["userId"], currency=currency, sent=sent)


def _to_balance(data: dict[str, Any], currency: str | None, sent: str) -> Balance:
    return Balance(user_id=data["userId"], currency=currency, sent=sent)


def _to_session_expired(data: dict[str, Any], _currency: str | None, sent: str) -> SessionExpired:
    return SessionExpired(user_id=data["userId"], sent=sent)


def _to_bet(data: dict[str, Any], currency: str | None, sent: str) -> Bet:
    return Bet(
        user_id=data["userId"],
        currency=currency,
        round_id=data["roundId"],
        game_id=data["gameId"],
        reference=data["reference"],
        amount=data["amount"],
        bonus_code=data["bonusCode"],
        sent=sent,
    )


def _to_result(data: dict[str, Any], currency: str | None, sent: str) -> Result:
    # A promo win of nothing may come without a reference, and then it is none.
    return Result(
        user_id=data["userId"],
        currency=currency,
        round_id=data["roundId"],
        game_id=data["gameId"],
        reference=data["reference"],
        amount=data["amount"],
        bonus_code=data["bonusCode"],
        promo_amount=data["promoWinAmount"] if data["promoWinReference"] else None,
        promo_reference=data["promoWinReference"],
        sent=sent,
    )


def _to_end_round(data: dict[str, Any], currency: str | None, sent: str) -> EndRound:
    return EndRound(user_id=data["userId"], currency=currency, round_id=data["roundId"], sent=sent)


def _to_cancel(data: dict[str, Any], currency: str | None, sent: str) -> Cancel:
    return Cancel(
        user_id=data["userId"], currency=currency, round_id=data["roundId"], reference=data["reference"], sent=sent
    )


def _to_refund(data: dict[str, Any], currency: str | None, sent: str) -> Refund:
    # Only V4 may name an amount, and may leave the round out.
    return Refund(
        user_id=data["userId"],
        currency=currency,
        round_id=data["roundId"],
        game_id=data["gameId"],
        reference=data["reference"],
        amount=data.get("amount"),
        sent=sent,
    )


def _to_win(kind: WinKind) -> ToCall:

    def to_call(data: dict[str, Any], currency: str | None, sent: str) -> Win:
        return Win(
            user_id=data["userId"],
            kind=kind,
            currency=currency,
            round_id=data["roundId"],
            reference=data["reference"],
            amount=data["amount"],
            bonus_code=data.get("bonusCode"),
            sent=sent,
        )

    return to_call


_MONEY = ("currency", "cash")
_MOVED = ("transactionId", "currency", "cash")

CALLS: dict[str, tuple[ToCall, tuple[str, ...]]] = {
    "Check": (_to_check, ()),
    "Balance": (_to_balance, _MONEY),
    "Bet": (_to_bet, _MOVED),
    "Result": (_to_result, _MOVED),
    "EndRound": (_to_end_round, _MONEY),
    "Cancel": (_to_cancel, _MOVED),
    "Refund": (_to_refund, ("transactionId",)),
    "PromoWin": (_to_win("promo_win"), _MOVED),
    "BonusWin": (_to_win("bonus_win"), _MOVED),
    "JackpotWin": (_to_win("jackpot_win"), _MOVED),
    "SessionExpired": (_to_session_expired, ()),
}
"""Each call by its name on the wire: what it means, and the fields of its success besides error and description."""
