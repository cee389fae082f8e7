"""The requests of V4 (contract, section 3)."""

from wallet_service.versions.fields import Amount, Anything, CallSchema, Identifier

__all__ = ["RefundSchema"]


class RefundSchema(CallSchema):
    """Refund. Without a roundId, the reference is that of the bet to return."""

    providerId = Identifier(32)
    userId = Identifier(32)
    reference = Identifier(32)
    roundId = Identifier(36, required=False)
    gameId = Identifier(32, required=False)
    amount = Amount(required=False)
    bonusCode = Identifier(36, required=False)
    timestamp = Anything(required=False)
    roundDetails = Anything(required=False)
    platform = Anything(required=False)
    token = Anything(required=False)
