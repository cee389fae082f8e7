"""The operator's side of a remote wallet: it returns the money of a voided game round exactly once."""

from wallet_service.app import create_app

__all__ = ["create_app"]
