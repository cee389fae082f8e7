"""The action log's entries about accounts and tokens. Each is written in the transaction of what it tells."""

from typing import Any, Final

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from wallet_service.ledger.actions import enter_action

__all__ = ["ACCOUNT_ENTRY", "log_change"]

ACCOUNT_ENTRY: Final = "account"
"""The kind of these entries."""


def log_change(
    connection: Connection, subject: str, by_whom: str, why: str, *, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Write what became of an account, named by ``subject``, or of ``token NAME``."""
    enter_action(connection, uuid7(), ACCOUNT_ENTRY, subject, by_whom, why, before=before, after=after)
