"""What the database is, as the role that serves sees it: durability, encryption, clock, room for connections."""

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_interface
from typing import Any

from sqlalchemy import Connection, text

from wallet_service.app import DESK_CONNECTIONS
from wallet_service.doctor.findings import Finding, fault, good, warning
from wallet_service.settings import Settings

__all__ = ["check_server", "clock_finding", "connections_needed"]

OLDEST_VERSION = 15
MAX_SKEW_S = 2.0
"""Clocks that are kept by NTP differ by milliseconds."""
ABSURD_SKEW_S = 60.0
"""What is waited for by minutes, such as an overdue refund, is told wrong from here on."""
VERIFIED = {"verify-ca", "verify-full"}
"""The values of libpq's ``sslmode`` under which somebody in between cannot pass for the database."""
DESK_ENGINES = 3
"""The desk's ledger, its reads and its writes (``app.make_desk``)."""

SERVER = """
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
    pg_is_in_recovery() AS is_standby, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS standbys, inet_server_addr()::text AS address,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0) AS room
"""


def check_server(connection: Connection, settings: Settings, workers: int) -> Iterator[Finding]:
    """Look at the server that the connection leads to; ``workers`` are those of all services together."""
    server = connection.execute(text(SERVER)).one()
    if server.major < OLDEST_VERSION:
        yield fault("PostgreSQL", f"It is {server.version}.", f"Upgrade it to {OLDEST_VERSION} or later.")
    else:
        yield good("PostgreSQL", f"It is {server.version}.")
    if server.is_standby:
        yield fault("PostgreSQL", "It is a standby, which takes no calls.", "Name the primary in WALLET_DATABASE_URL.")
    yield _durability(server)
    yield _encryption(connection, server)
    yield _clock(connection)
    yield _room(server.room, connections_needed(settings, workers), workers)


def _durability(server: Any) -> Finding:
    off = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if getattr(server, name) == "off"]
    if off:
        return fault(
            "durability",
            f"A crash can take back what was acknowledged: {', '.join(off)} off.",
            "Switch it on in postgresql.conf, and for this role and database (ALTER ROLE, ALTER DATABASE).",
        )
    if server.standbys and server.synchronous_commit == "local":
        return warning(
            "durability",
            f"There are synchronous standbys ({server.standbys}), and no commit waits for them.",
            "Set synchronous_commit to on.",
        )
    return good("durability", "What is acknowledged is on disk.")


def _encryption(connection: Connection, server: Any) -> Finding:
    if server.address is None or ip_interface(server.address).ip.is_loopback:
        return good("database TLS", "The database is on this machine.")
    if not server.encrypted:
        return warning(
            "database TLS",
            f"The connection to {server.address} is not encrypted.",
            "Switch ssl on in postgresql.conf, and end the URLs with ?sslmode=verify-full&sslrootcert=FILE. Leave it "
            "where nobody else is on the network between.",
        )
    driver: Any = connection.connection.driver_connection
    if driver.info.get_parameters().get("sslmode") not in VERIFIED:
        return warning(
            "database TLS",
            "The connection is encrypted, but who is at its other end is not verified.",
            "End the URLs with ?sslmode=verify-full&sslrootcert=FILE.",
        )
    return good("database TLS", "The connection is encrypted, and the server's certificate verified.")


def _clock(connection: Connection) -> Finding:
    before = datetime.now(UTC)
    there: Any = connection.scalar(text("SELECT clock_timestamp()"))
    after = datetime.now(UTC)
    return clock_finding("The database", (there - before - (after - before) / 2).total_seconds(), MAX_SKEW_S)


def clock_finding(whose: str, skew: float, most: float) -> Finding:
    """Tell how many seconds somebody's clock is ahead of this machine's; up to ``most`` is nothing."""
    if abs(skew) <= most:
        return good("clock", f"{whose}'s differs from this machine's by less than {most:g} s.")
    found = f"{whose}'s is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's."
    mend = "Keep both by NTP (timedatectl, chronyc tracking)."
    return fault("clock", found, mend) if abs(skew) > ABSURD_SKEW_S else warning("clock", found, mend)


def _room(room: int, needed: int, workers: int) -> Finding:
    about = "database connections"
    if needed > room:
        return fault(
            about,
            f"{workers} workers may open {needed}, and {room} is what the database has for them.",
            "Raise max_connections, or lower WALLET_CONNECTIONS or the number of workers.",
        )
    return good(about, f"{workers} workers may open {needed} of {room}; commands and reports need some, too.")


def connections_needed(settings: Settings, workers: int) -> int:
    """Return how many connections so many workers of one service keep open at most."""
    together = 1 if settings.calls_together > 1 else 0
    health = metrics = 1
    feed = 1 if settings.operator_token else 0
    each = settings.connections + together + health + feed
    desk = DESK_ENGINES * DESK_CONNECTIONS if settings.admin_secret_key else 0
    if settings.admin_port:
        return workers * each + desk + health + metrics
    return workers * (each + desk)
