"""The command that fills an empty database with a month of play, to measure against."""

import re
from collections.abc import Iterator
from importlib.resources import files

import click
from rich.progress import Progress
from sqlalchemy import Connection, text

from wallet_service.cli.database import opened_database
from wallet_service.cli.output import FaultError, console
from wallet_service.database import create_migration_engine

__all__ = ["seed_command"]

BATCHES = 50
# A transaction's id as the service makes them (RFC 9562, version 7), told by its time and its place.
ID_FUNCTION = """
CREATE FUNCTION pg_temp.seed_id(at timestamptz, n bigint, k bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(k % 4096), 3, '0')
            || '8' || lpad(to_hex(n), 15, '0'))::uuid
$$
"""
# Looking up each wallet takes as long as writing its row, and the audit finds what it would. A superuser may skip it.
WITHOUT_FOREIGN_KEYS = """
SELECT set_config('session_replication_role', 'replica', true) FROM pg_roles WHERE rolname = current_user AND rolsuper
"""
TABLES = "players, wallets, rounds, transactions, refusals, cancellations, cancellation_attempts, actions, reviews"


@click.command("seed")
@click.option("--players", type=click.IntRange(1, 1_000_000), default=1_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 100_000_000), default=10_000, show_default=True)
@click.option("--transactions", type=click.IntRange(1, 1_000_000_000), default=50_000, show_default=True)
def seed_command(players: int, rounds: int, transactions: int) -> None:
    """Fill an EMPTY database with play of the last 30 days, to measure against. It is all there or not at all."""
    if not players <= rounds <= transactions <= rounds * 1000:
        raise click.UsageError("each player needs a round, and each round 1 to 1000 transactions")
    engine = create_migration_engine(opened_database().owner_database_url)
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE players IN SHARE ROW EXCLUSIVE MODE"))
        if connection.scalar(text("SELECT EXISTS (SELECT FROM players)")):
            raise FaultError("the database has players already; seed an empty one")
        _fill(connection, {"players": players, "rounds": rounds, "transactions": transactions})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM (ANALYZE) {TABLES}"))
    click.echo(f"{players} players, {rounds} rounds and {transactions} transactions are there.")


def _fill(connection: Connection, numbers: dict[str, int]) -> None:
    connection.exec_driver_sql("SET LOCAL work_mem = '256MB'")
    connection.exec_driver_sql(WITHOUT_FOREIGN_KEYS)
    connection.exec_driver_sql(ID_FUNCTION.replace("%", "%%"))
    statements = list(_statements())
    first = [sql for title, sql in statements if title.startswith("seed")]
    batch = [sql for title, sql in statements if title.startswith("batch")]
    rounds = numbers["rounds"]
    with Progress(console=console) as progress:
        task = progress.add_task("Seeding", total=len(first) + BATCHES)
        for sql in first:
            connection.exec_driver_sql(_with_numbers(sql, numbers))
            progress.advance(task)
        for number in range(BATCHES):
            bounds = {"first": rounds * number // BATCHES + 1, "last": rounds * (number + 1) // BATCHES}
            for sql in batch:
                connection.exec_driver_sql(_with_numbers(sql, bounds))
            progress.advance(task)


def _statements() -> Iterator[tuple[str, str]]:
    """Yield the title and the text of each statement of seed.sql."""
    script = files("wallet_service.cli").joinpath("seed.sql").read_text()
    _, *parts = re.split(r"^-- ((?:seed|batch): \w+)$", script, flags=re.MULTILINE)
    yield from zip(parts[::2], parts[1::2], strict=True)


def _with_numbers(sql: str, numbers: dict[str, int]) -> str:
    """Write the numbers into the statement; its operator % is the driver's mark of a parameter, and so doubled."""
    written = re.sub(r"(?<!:):(players|rounds|transactions|first|last)\b", lambda name: str(numbers[name[1]]), sql)
    return written.replace("%", "%%")
