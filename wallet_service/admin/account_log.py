"""The action log's entries about accounts and tokens. Each is written in the transaction of what it tells."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert
from uuid_utils.compat import uuid7

from wallet_service.ledger.models import Action

__all__ = ["ACCOUNT_ENTRY", "log_change"]

ACCOUNT_ENTRY = "account"
"""The kind of these entries."""


def log_change(
    connection: Connection, subject: str, by_whom: str, why: str, *, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Write what became of an account, named by ``subject``, or of ``token NAME``."""
    connection.execute(
        insert(Action).values(
            user_id="",
            id=uuid7(),
            kind=ACCOUNT_ENTRY,
            reference=subject,
            by_whom=by_whom,
            why=why,
            at=datetime.now(UTC),
            before=before,
            after=after,
        )
    )
