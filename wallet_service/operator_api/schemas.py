"""The requests of the operator API. The fields are read as Lucky Monaco's are, and named as the platform would."""

from wallet_service.versions.fields import Amount, CallSchema, Currency, Identifier

__all__ = ["OpenWalletSchema", "StateSchema", "TransferSchema", "WalletSchema"]


class WalletSchema(CallSchema):
    """Name a wallet."""

    user_id = Identifier(32)
    currency = Currency()


class OpenWalletSchema(WalletSchema):
    """Open a wallet."""

    balance = Amount(required=False)


class TransferSchema(WalletSchema):
    """Put money in, or take it out."""

    amount = Amount()
    reference = Identifier(64)


class StateSchema(CallSchema):
    """Freeze a player or lift that: who says so, and why."""

    user_id = Identifier(32)
    by = Identifier(64)
    reason = Identifier(500)
