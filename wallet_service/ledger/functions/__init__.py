"""The ledger's SQL functions: one file each, installed at the end of every migration run."""

from importlib.resources import files

from sqlalchemy import Connection

__all__ = ["CONTRACT", "install"]

CONTRACT = 2
"""Raised when a function changes so that a service of the release before could not go on calling it."""


def install(connection: Connection) -> None:
    """Create or replace every function, and record their contract number, in the caller's transaction."""
    for source in sorted(files(__name__).iterdir(), key=lambda path: path.name):
        if source.name.endswith(".sql"):
            # The driver reads % as a placeholder, PL/pgSQL in %ROWTYPE.
            connection.exec_driver_sql(source.read_text(encoding="utf-8").replace("%", "%%"))
    connection.exec_driver_sql(
        "INSERT INTO ledger_contract (number) VALUES (%s)"
        " ON CONFLICT (only_row) DO UPDATE SET number = excluded.number",
        (CONTRACT,),
    )
