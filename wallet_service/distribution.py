"""Spreading the ledger over several machines with Citus: the statements that turn a database into that form.

Every table that a ledger function touches is distributed by ``user_id`` and kept together with the others, so that all
of a player's rows are on one machine. A function that is called for a player is registered with that argument: a call
travels to that machine as one message. All other tables stay where they are. (docs/scaling.md)
"""

from sqlalchemy import Connection, text

from wallet_service.ledger.grants import CALLED, INNER
from wallet_service.ledger.models import Base, Player

__all__ = ["DISTRIBUTED", "DistributionError", "distribution_statements", "has_citus"]

FIRST = Player.__tablename__
"""The others are kept together with it."""
DISTRIBUTED = (
    FIRST,
    *(table.name for table in Base.metadata.sorted_tables if "user_id" in table.columns and table.name != FIRST),
)
"""In an order in which each table comes after those that its foreign keys name."""
PLAYER = "p_user_id"
OF_TRIGGERS = "refuse_change"
"""Travels with the tables whose triggers call it."""

CITUS = text("SELECT to_regclass('pg_dist_partition') IS NOT NULL")
TABLES_DONE = text(
    "SELECT logicalrelid::text AS name, column_to_column_name(logicalrelid, partkey) AS spread_by,"
    " colocationid AS place FROM pg_dist_partition WHERE logicalrelid::text = ANY (:tables)"
)
FUNCTIONS_DONE = text(
    "SELECT objid, distribution_argument_index IS NOT NULL AS by_player FROM pg_dist_object"
    " WHERE classid = 'pg_proc'::regclass"
)
FUNCTIONS = text(
    "SELECT p.oid, quote_literal(p.oid::regprocedure::text) AS signature,"
    " p.proname = ANY (:called) AND p.proargnames[1] = :player AS by_player"
    " FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace"
    " AND (p.proname = ANY (:inner) OR p.proname = ANY (:called) AND p.proargnames[1] = :player)"
    " ORDER BY by_player, signature"
)


class DistributionError(Exception):
    """Some of the tables are distributed in another way. Nothing was changed."""


def has_citus(connection: Connection) -> bool:
    """Tell whether the database has the extension."""
    return bool(connection.scalar(CITUS))


def distribution_statements(connection: Connection, shards: int) -> list[str]:
    """Return what is left to run on a migrated database, in order; without the extension, all of it.

    Each is run by itself: what is done stays done, should a later one fail. The first table decides on the number of
    ``shards``.

    Raises:
        DistributionError: a table is distributed by another column, or apart from the others.

    """
    tables: set[str] = set()
    functions: set[tuple[int, bool]] = set()
    if has_citus(connection):
        tables = _tables_done(connection)
        functions = {(row.objid, row.by_player) for row in connection.execute(FUNCTIONS_DONE)}
    statements = [_distribute(table, shards) for table in DISTRIBUTED if table not in tables]
    names = {"called": list(CALLED), "inner": list(INNER - {OF_TRIGGERS}), "player": PLAYER}
    for row in connection.execute(FUNCTIONS, names):
        if row.by_player and (row.oid, True) not in functions:
            statements.append(
                f"SELECT create_distributed_function({row.signature}, '{PLAYER}', colocate_with => '{FIRST}')"
            )
        elif not row.by_player and not functions & {(row.oid, True), (row.oid, False)}:
            statements.append(f"SELECT create_distributed_function({row.signature})")
    # Triggers keep the log as it is, and act on one row's table alone: that is what Citus cannot know.
    return ["SET citus.enable_unsafe_triggers = on", *statements] if statements else []


def _tables_done(connection: Connection) -> set[str]:
    rows = connection.execute(TABLES_DONE, {"tables": list(DISTRIBUTED)}).all()
    if any(row.spread_by != "user_id" for row in rows) or len({row.place for row in rows}) > 1:
        told = ", ".join(sorted(f"{row.name} by {row.spread_by} in group {row.place}" for row in rows))
        raise DistributionError(f"the tables are distributed in another way already: {told}")
    return {row.name for row in rows}


def _distribute(table: str, shards: int) -> str:
    where = f"'none', shard_count => {shards}" if table == FIRST else f"'{FIRST}'"
    return f"SELECT create_distributed_table('{table}', 'user_id', colocate_with => {where})"
