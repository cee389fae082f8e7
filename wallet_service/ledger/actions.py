"""Entering into the action log what concerns no one player; the rest is entered by the functions that act."""

import json
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, text

__all__ = ["enter_action"]

ENTER_ACTION = text(
    "SELECT enter_action(CAST(:id AS uuid), CAST(:kind AS text), CAST(:reference AS text), CAST(:by_whom AS text),"
    " CAST(:why AS text), CAST(:before AS json), CAST(:after AS json))"
)


def enter_action(
    connection: Connection,
    entry_id: UUID,
    kind: Literal["account", "cancel"],
    reference: str,
    by_whom: str,
    why: str,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any],
) -> bool:
    """Enter what was done to ``reference``, in the caller's transaction; tell whether the entry is a new one."""
    values = {
        "id": entry_id,
        "kind": kind,
        "reference": reference,
        "by_whom": by_whom,
        "why": why,
        "before": None if before is None else json.dumps(before),
        "after": json.dumps(after),
    }
    return bool(connection.scalar(ENTER_ACTION, values))
