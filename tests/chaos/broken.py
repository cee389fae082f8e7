"""Builds that are broken on purpose. The harness must find each, or its silence about the real one says nothing."""

from importlib.resources import files
from typing import Any

import psycopg

from wallet_service.ledger import functions

__all__ = ["BUILDS", "break_database"]

BUILDS = ("unique-key", "lock", "durability")
"""``unique-key``: without the unique key under which the log takes one refund of a round. ``lock``: the functions do
not lock the wallets. ``durability``: answers are given before they are durable."""
LOCKS = {
    "lock_wallet.sql": "FOR NO KEY UPDATE",
    "apply_calls.sql": "FOR NO KEY UPDATE SKIP LOCKED",
}
LATE = {"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}


def break_database(connection: psycopg.Connection[Any], builds: tuple[str, ...]) -> None:
    """Break a migrated database, by a superuser's connection. What it holds by then is durable."""
    if "unique-key" in builds:
        connection.execute("DROP INDEX transactions_refund_round")
    for name, lock in LOCKS.items() if "lock" in builds else ():
        code = "\n".join(
            line for line in files(functions).joinpath(name).read_text().splitlines() if not line.startswith("--")
        )
        assert code.count(lock) == 1, f"{name} does not lock as it did"
        connection.execute(code.replace(lock, "").encode())
    for name, value in LATE.items() if "durability" in builds else ():
        connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    connection.execute("SELECT pg_reload_conf()")
    connection.execute("CHECKPOINT")
