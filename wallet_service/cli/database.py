"""The database as a command uses it: brought up and checked, then called once or read from one snapshot."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager

from sqlalchemy import Connection

from wallet_service import schema
from wallet_service.cli.output import FaultError
from wallet_service.database import create_read_engine, create_wallet_engine
from wallet_service.ledger.calls import Call
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.outcomes import Receipt
from wallet_service.settings import Settings

__all__ = ["apply_call", "opened_database", "reading"]


def opened_database(missing: AbstractSet[str] = frozenset()) -> Settings:
    """Return settings whose database is up and has the schema this release needs.

    What a ``missing`` variable names is not asked.

    Raises:
        FaultError: it has another.

    """
    settings = schema.prepare_database(Settings.load())
    problem = schema.schema_problem(create_read_engine(settings.database_url))
    if problem:
        raise FaultError(problem)
    if settings.reader_database_url != settings.database_url and "WALLET_READER_DATABASE_URL" not in missing:
        problem = schema.schema_problem(create_read_engine(settings.reader_database_url))
        if problem:
            raise FaultError(f"WALLET_READER_DATABASE_URL: {problem}")
    return settings


def apply_call(call: Call) -> Receipt:
    """Apply one call to the ledger."""
    engine = create_wallet_engine(opened_database().database_url, connections=1)
    return Ledger(engine).apply(call)


@contextmanager
def reading() -> Iterator[Connection]:
    """Give a connection for reads."""
    with create_read_engine(opened_database().reader_database_url).connect() as connection:
        yield connection
