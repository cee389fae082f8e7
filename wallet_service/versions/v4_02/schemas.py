"""The requests of v4.02 (contract, sections 3 and 4)."""

from typing import Any

from wallet_service.ledger.calls import Balance, Bet, Refund
from wallet_service.versions.fields import Amount, Anything, CallSchema, Currency, Identifier, Timestamp

__all__ = ["BalanceSchema", "BetSchema", "RefundSchema", "to_balance", "to_bet", "to_refund"]


class EveryCallSchema(CallSchema):
    """What every call of this version carries."""

    providerId = Identifier(32)
    userId = Identifier(32)
    uuid = Identifier(36)


class BalanceSchema(EveryCallSchema):
    """Balance."""

    sessionId = Identifier(256)
    currency = Currency()


class BetSchema(EveryCallSchema):
    """Bet. The jackpot fields concern the jackpot's owner; they are kept with the request."""

    sessionId = Identifier(256)
    currency = Currency()
    amount = Amount()
    reference = Identifier(32)
    roundId = Identifier(36)
    gameId = Identifier(32)
    gameName = Identifier(32)
    roundDetails = Anything()
    timestamp = Timestamp()
    bonusCode = Identifier(36, required=False)
    jackpotContribution = Anything(required=False)
    jackpotDetails = Anything(required=False)
    jackpotId = Anything(required=False)


class RefundSchema(EveryCallSchema):
    """Refund."""

    currency = Currency()
    reference = Identifier(32)
    roundId = Identifier(36)
    gameId = Identifier(32)
    gameName = Identifier(32)
    bonusCode = Identifier(36, required=False)


def to_balance(data: dict[str, Any], sent: str) -> Balance:
    """Return the call that a valid Balance request means."""
    return Balance(user_id=data["userId"], currency=data["currency"], sent=sent)


def to_bet(data: dict[str, Any], sent: str) -> Bet:
    """Return the call that a valid Bet request means."""
    return Bet(
        user_id=data["userId"],
        currency=data["currency"],
        round_id=data["roundId"],
        game_id=data["gameId"],
        reference=data["reference"],
        amount=data["amount"],
        bonus_code=data["bonusCode"],
        sent=sent,
    )


def to_refund(data: dict[str, Any], sent: str) -> Refund:
    """Return the call that a valid Refund request means."""
    return Refund(
        user_id=data["userId"],
        currency=data["currency"],
        round_id=data["roundId"],
        game_id=data["gameId"],
        reference=data["reference"],
        amount=None,
        sent=sent,
    )
