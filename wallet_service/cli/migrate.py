"""The command that brings a database to this release's schema."""

import click

from wallet_service import schema
from wallet_service.embedded import owner_database_url
from wallet_service.settings import Settings

__all__ = ["migrate_command"]


@click.command("migrate")
def migrate_command() -> None:
    """Bring the database to this release's schema."""
    click.echo(f"The database is at {schema.migrate(owner_database_url(Settings.load()))}.")
