"""Connections to PostgreSQL, with a bound on everything that could wait."""

from time import monotonic
from typing import TYPE_CHECKING, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine, NullPool, create_engine, event
from sqlalchemy.engine import ExceptionContext

from wallet_service.database_urls import connection_parameters

if TYPE_CHECKING:
    from psycopg.abc import PQGen

__all__ = [
    "create_desk_engine",
    "create_feed_engine",
    "create_group_engine",
    "create_migration_engine",
    "create_read_engine",
    "create_wallet_engine",
]

RV = TypeVar("RV")

DRIVER = "postgresql+psycopg://"
"""All else is libpq's to read: SQLAlchemy's URLs know one host."""

# Lucky Monaco and its like wait about 3 seconds for an answer (contract, rule 17), so each layer gives up before the
# next one does: the lock, the statement, our own patience with a server that has stopped talking.
LOCK_TIMEOUT_MS = 1_000
GROUP_LOCK_TIMEOUT_MS = 25
"""Calls that are applied together wait for one another's locks; who meets one that is held goes by itself."""
STATEMENT_TIMEOUT_MS = 1_500
ANSWER_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 2  # the least that libpq's rules allow
FIRST_ANSWER_TIMEOUT_S = 2.5  # connecting included
LEAST_ANSWER_TIMEOUT_S = 0.5
"""However long connecting took: several hosts that are gone take ``CONNECT_TIMEOUT_S`` each, and a connection that was
given up whenever it came late would never be there for the next call."""

REPORT_STATEMENT_TIMEOUT_MS = 3_600_000
DESK_STATEMENT_TIMEOUT_MS = 5_000
"""A person waits for a page; one that takes longer takes from the wallet's calls."""


class ImpatientConnection(psycopg.Connection[tuple[object, ...]]):
    """A connection that gives up on a server which accepted a statement and then fell silent.

    Timeouts set on the server do not help when the server is stopped or the network between has gone.
    """

    give_up_at: float | None = None
    """Until when the first call waits, whose patience making the connection has used up in part."""

    def wait(self, gen: "PQGen[RV]", interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait as psycopg does, at most ``ANSWER_TIMEOUT_S``.

        Raises:
            psycopg.OperationalError: the time is over. Whether the statement took effect is not known, and the
                connection is closed.

        """
        if timeout is None:
            timeout = ANSWER_TIMEOUT_S if self.give_up_at is None else max(0.0, self.give_up_at - monotonic())
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()
            raise


def _parameters_and_options(database_url: str) -> tuple[dict[str, str], str]:
    """Return what the URL says, and apart from it the server options among that."""
    parameters = connection_parameters(database_url)
    return parameters, parameters.pop("options", "")


def _to_read(parameters: dict[str, str]) -> dict[str, str]:
    """Name the same server for sessions that may not write, which libpq would take for those of a standby."""
    if parameters.get("target_session_attrs") == "read-write":
        return {**parameters, "target_session_attrs": "primary"}
    return parameters


def create_group_engine(database_url: str, *, prepared_statements: bool = False) -> Engine:
    """Return the engine for wallet calls that are applied together: one connection, which waits for locks shortly."""
    return create_wallet_engine(
        database_url, 1, lock_timeout_ms=GROUP_LOCK_TIMEOUT_MS, prepared_statements=prepared_statements
    )


def create_wallet_engine(
    database_url: str,
    connections: int,
    *,
    lock_timeout_ms: int = LOCK_TIMEOUT_MS,
    prepared_statements: bool = False,
) -> Engine:
    """Return the engine for wallet calls: autocommit, because one function call is one transaction.

    There are at most so many ``connections``; who finds none free waits as long as for an answer. With
    ``prepared_statements`` a function call is planned once for each connection, which a pooler must then not share.
    """
    parameters, options = _parameters_and_options(database_url)
    options += f" -c lock_timeout={lock_timeout_ms} -c statement_timeout={STATEMENT_TIMEOUT_MS}"
    ours = {"connect_timeout": str(CONNECT_TIMEOUT_S), "options": options, "application_name": "wallet_service"}
    conninfo = make_conninfo("", **{**parameters, **ours})

    def connect() -> ImpatientConnection:
        started = monotonic()
        connection = ImpatientConnection.connect(conninfo, prepare_threshold=1 if prepared_statements else None)
        connection.give_up_at = max(started + FIRST_ANSWER_TIMEOUT_S, monotonic() + LEAST_ANSWER_TIMEOUT_S)
        return connection

    engine = create_engine(
        DRIVER,
        creator=connect,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=ANSWER_TIMEOUT_S,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        hide_parameters=True,  # an error's text goes to the log, a player's request does not
    )
    event.listen(engine, "checkin", _first_call_done)
    event.listen(engine, "handle_error", _leave_standby)
    return engine


def _first_call_done(connection: ImpatientConnection | None, _record: object) -> None:
    if connection is not None:
        connection.give_up_at = None


def _leave_standby(context: ExceptionContext) -> None:
    """Give up the connections to a server that takes no writes: who connects anew may find the primary."""
    if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        context.is_disconnect = True


def create_read_engine(database_url: str) -> Engine:
    """Return an engine for reports: read-only transactions over one snapshot, which may take their time."""
    parameters, options = _parameters_and_options(database_url)
    return create_engine(
        DRIVER,
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        connect_args={
            **_to_read(parameters),
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": f"{options} -c default_transaction_read_only=on"
            f" -c statement_timeout={REPORT_STATEMENT_TIMEOUT_MS}",
            "application_name": "wallet_service reports",
            "prepare_threshold": None,
        },
    )


def create_desk_engine(database_url: str, connections: int, *, read_only: bool) -> Engine:
    """Return an engine for the desk: its pages read, and its accounts change, in transactions that cannot take long."""
    parameters, options = _parameters_and_options(database_url)
    options += f" -c statement_timeout={DESK_STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
    if read_only:
        options += " -c default_transaction_read_only=on"
        parameters = _to_read(parameters)
    engine = create_engine(
        DRIVER,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=ANSWER_TIMEOUT_S,
        pool_pre_ping=True,
        connect_args={
            **parameters,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": options,
            "application_name": "wallet_service desk",
            "prepare_threshold": None,
        },
        hide_parameters=True,
    )
    event.listen(engine, "handle_error", _leave_standby)
    return engine


def create_feed_engine(database_url: str) -> Engine:
    """Return the engine of the operator's feed: one connection, which sees what is new at each statement.

    It is not asked to be read-only: the feed must tell a server that takes no writes.
    """
    parameters, options = _parameters_and_options(database_url)
    return create_engine(
        DRIVER,
        pool_size=1,
        max_overflow=0,
        pool_timeout=ANSWER_TIMEOUT_S,
        pool_pre_ping=True,
        isolation_level="AUTOCOMMIT",
        connect_args={
            **parameters,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": f"{options} -c statement_timeout={DESK_STATEMENT_TIMEOUT_MS}",
            "application_name": "wallet_service feed",
            "prepare_threshold": None,
        },
        hide_parameters=True,
    )


def create_migration_engine(database_url: str) -> Engine:
    """Return an engine for migrations, which set their own timeouts."""
    parameters, options = _parameters_and_options(database_url)
    return create_engine(
        DRIVER,
        poolclass=NullPool,
        connect_args={
            **parameters,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": options,
            "application_name": "wallet_service migrate",
            "prepare_threshold": None,
        },
    )
