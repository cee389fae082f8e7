"""The command that spreads the database over the machines of a Citus cluster."""

import click

from wallet_service import schema
from wallet_service.cli.output import FaultError
from wallet_service.database import create_migration_engine
from wallet_service.distribution import DistributionError, distribution_statements, has_citus
from wallet_service.embedded import owner_database_url
from wallet_service.settings import Settings

__all__ = ["distribute_command"]


@click.command("distribute")
@click.option(
    "--shards", type=click.IntRange(1, 4096), default=128, show_default=True, help="Of each table; fixed for good."
)
@click.option("--dry-run", is_flag=True, help="Print the statements; change nothing.")
def distribute_command(shards: int, *, dry_run: bool) -> None:
    """Spread a migrated database with Citus over its machines, by player. What is done already is left as it is."""
    engine = create_migration_engine(owner_database_url(Settings.load()))
    problem = schema.schema_problem(engine)
    if problem:
        raise FaultError(problem)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            statements = distribution_statements(connection, shards)
        except DistributionError as error:
            raise FaultError(str(error)) from error
        if not dry_run and not has_citus(connection):
            raise FaultError("the database has no Citus; let an administrator run: CREATE EXTENSION citus")
        for statement in statements:
            click.echo(f"{statement};")
            if not dry_run:
                connection.exec_driver_sql(statement)
    click.echo("Nothing was changed." if dry_run or not statements else "The database is distributed.", err=True)
