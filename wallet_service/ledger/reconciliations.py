"""How far the wallet's rounds were compared with Lucky Monaco's: recorded by each comparison, read by who watches."""

from datetime import datetime

from sqlalchemy import Connection, func, select, text
from uuid_utils.compat import uuid7

from wallet_service.ledger.models import Reconciliation

__all__ = ["reconciled_to", "record_reconciliation"]

RECORD_RECONCILIATION = text(
    "SELECT record_reconciliation(CAST(:id AS uuid), CAST(:start AS timestamptz), CAST(:done_to AS timestamptz),"
    " CAST(:here AS bigint), CAST(:there AS bigint), CAST(:differences AS bigint))"
)


def record_reconciliation(
    connection: Connection,
    start: datetime,
    done_to: datetime,
    *,
    rounds_here: int,
    rounds_there: int,
    differences: int,
) -> None:
    """Record that everything from ``start`` to before ``done_to`` was compared, and how many rounds and differences."""
    values = {"id": uuid7(), "start": start, "done_to": done_to}
    connection.execute(
        RECORD_RECONCILIATION, {**values, "here": rounds_here, "there": rounds_there, "differences": differences}
    )


def reconciled_to(connection: Connection) -> datetime | None:
    """Return the latest time until which a period was compared; ``None`` where none ever was."""
    return connection.scalar(select(func.max(Reconciliation.done_to)))
