"""How often a login may fail. An attempt counts from before its password is looked at, so many at once gain nothing."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select
from uuid_utils.compat import uuid7

from wallet_service.ledger.models import FailedLogin

__all__ = [
    "FAILURES_FROM_AN_ADDRESS",
    "FAILURES_OF_A_NAME_FROM_AN_ADDRESS",
    "ThrottledError",
    "count_as_failed",
    "count_no_more",
]

THROTTLE_WINDOW = timedelta(minutes=15)
FAILURES_OF_A_NAME_FROM_AN_ADDRESS = 10
FAILURES_OF_A_NAME = 200
"""From wherever. It is high, or anybody could keep somebody out by failing in their name."""
FAILURES_FROM_AN_ADDRESS = 50
"""Within the window; an address may be a whole office's."""
ONE_BY_ONE = 0x6465736B
"""The advisory lock under which attempts are counted: any number that nothing else locks."""


class ThrottledError(Exception):
    """Too many logins failed; this one was not looked at."""


def count_as_failed(connection: Connection, name: str, address: str) -> UUID:
    """Count an attempt to log in as one that failed, until ``count_no_more`` is told that it did not; return its id.

    The transaction must end at once: the others wait for it. Of the name only a hash is kept, as people type their
    passwords there.

    Raises:
        ThrottledError: too many with that name, or from that address, failed of late.

    """
    connection.execute(select(func.pg_advisory_xact_lock(ONE_BY_ONE)))
    now = datetime.now(UTC)
    connection.execute(delete(FailedLogin).where(FailedLogin.at < now - THROTTLE_WINDOW))
    name_hash = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    of_name, from_address = FailedLogin.name_hash == name_hash, FailedLogin.address == address
    for which, most in (
        (of_name & from_address, FAILURES_OF_A_NAME_FROM_AN_ADDRESS),
        (of_name, FAILURES_OF_A_NAME),
        (from_address, FAILURES_FROM_AN_ADDRESS),
    ):
        if (connection.scalar(select(func.count()).select_from(FailedLogin).where(which)) or 0) >= most:
            raise ThrottledError
    attempt = uuid7()
    connection.execute(insert(FailedLogin).values(id=attempt, name_hash=name_hash, address=address, at=now))
    return attempt


def count_no_more(connection: Connection, attempt: UUID) -> None:
    """Take an attempt back: it did not fail, or was not looked at."""
    connection.execute(delete(FailedLogin).where(FailedLogin.id == attempt))
