"""Runs the migrations, each in a transaction of its own, and then installs the ledger's functions and grants.

``wallet-service migrate`` passes the engine to use in ``config.attributes``; a bare ``alembic`` command takes the
database from the service's settings.
"""

from time import sleep

from alembic import command, context
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from wallet_service.database import create_migration_engine
from wallet_service.embedded import owner_database_url
from wallet_service.ledger import functions
from wallet_service.ledger.grants import apply_grants, make_groups
from wallet_service.ledger.models import Base
from wallet_service.settings import Settings

LOCK = 0x77616C6C6574
"""The advisory lock's key: two deployments that migrate at once take turns."""
LOOK_EVERY_S = 0.2


def run_migrations(connection: Connection) -> None:
    """Upgrade or downgrade as the command says, under the lock."""
    # Asked for again and again, not waited for in one statement: an index that is built without keeping anybody waiting
    # waits for every such statement, and so for us.
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
        connection.rollback()
        sleep(LOOK_EVERY_S)
    connection.exec_driver_sql("SET lock_timeout = '5s'")
    connection.exec_driver_sql("SET statement_timeout = '10min'")
    connection.commit()
    try:
        if upgrading():
            make_groups(connection)
            connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
        head = ScriptDirectory.from_config(context.config).get_current_head()
        if upgrading() and context.get_context().get_current_revision() == head:
            functions.install(connection)
            apply_grants(connection)
        connection.commit()
    finally:
        connection.rollback()
        connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (LOCK,))
        connection.commit()


def upgrading() -> bool:
    """Tell whether this run is an upgrade, and not, say, ``alembic current``."""
    options = context.config.cmd_opts
    return options is None or options.cmd[0] is command.upgrade


def configured_engine() -> Engine:
    """Return the engine handed over by the service, else one for the database its settings name."""
    engine: Engine | None = context.config.attributes.get("engine")
    return engine or create_migration_engine(owner_database_url(Settings.load()))


with configured_engine().connect() as open_connection:
    run_migrations(open_connection)
