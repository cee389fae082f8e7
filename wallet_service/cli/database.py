"""The database as a command uses it: brought up and checked, then called once or read from one snapshot."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from wallet_service import schema
from wallet_service.cli.output import FaultError
from wallet_service.database import create_read_engine, create_wallet_engine
from wallet_service.ledger.calls import Call
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.outcomes import Receipt
from wallet_service.settings import Settings

__all__ = ["apply_call", "check_reader", "opened_database", "reading"]


def opened_database() -> Settings:
    """Return settings whose database is up and has the schema this release needs. The reader's server is not asked.

    Raises:
        FaultError: it has another.

    """
    settings = schema.prepare_database(Settings.load())
    _check_schema(settings.database_url)
    return settings


def check_reader(settings: Settings) -> None:
    """Make sure that the desk's pages and the reports find the schema this release needs where they read.

    Raises:
        FaultError: it is another.

    """
    elsewhere = settings.reader_database_url != settings.database_url
    _check_schema(settings.reader_database_url, "WALLET_READER_DATABASE_URL: " if elsewhere else "")


def _check_schema(url: str, where: str = "") -> None:
    problem = schema.schema_problem(create_read_engine(url))
    if problem:
        raise FaultError(where + problem)


def apply_call(call: Call) -> Receipt:
    """Apply one call to the ledger."""
    engine = create_wallet_engine(opened_database().database_url, connections=1)
    return Ledger(engine).apply(call)


@contextmanager
def reading() -> Iterator[Connection]:
    """Give a connection for reads, wherever the settings say that reports read. No other server is needed.

    Raises:
        FaultError: there is another schema than this release needs.

    """
    settings = schema.prepare_database(Settings.load())
    check_reader(settings)
    with create_read_engine(settings.reader_database_url).connect() as connection:
        yield connection
