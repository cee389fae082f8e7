"""The operator's side of a remote wallet: it returns the money of a voided game round exactly once."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wallet_service.app import create_app

__all__ = ["create_app"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Import ``create_app`` when somebody asks for it, as Flask does: most commands need no application."""
        if name != "create_app":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module("wallet_service.app").create_app
