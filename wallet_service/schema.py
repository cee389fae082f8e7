"""The database schema as this release needs it: migrating to it, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import errors
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from wallet_service.database import create_migration_engine
from wallet_service.embedded import connect_embedded
from wallet_service.ledger.functions import CONTRACT
from wallet_service.ledger.grants import CALLER, READER
from wallet_service.settings import Settings

__all__ = ["NewerSchemaError", "alembic_config", "migrate", "prepare_database", "schema_problem"]

PACKAGE = Path(__file__).parent


class NewerSchemaError(Exception):
    """The database was migrated by a later release."""


def alembic_config() -> Config:
    """Return what Alembic needs to know, wherever the service is installed."""
    installed = PACKAGE / "migrations"
    config = Config()
    config.set_main_option("script_location", str(installed if installed.is_dir() else PACKAGE.parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def migrate(database_url: str) -> str:
    """Bring the database to this release's schema and functions; return the revision it is at.

    Raises:
        NewerSchemaError: a later release migrated it, and an older one must not take its functions back.

    """
    config = alembic_config()
    engine = create_migration_engine(database_url)
    revision, contract = _installed(engine)
    if (revision or "") > HEAD or (contract or 0) > CONTRACT:
        raise NewerSchemaError(
            f"the database is at migration {revision} with ledger functions {contract}: newer than this release"
        )
    config.attributes["engine"] = engine
    command.upgrade(config, "head")
    return _head(config)


def _head(config: Config) -> str:
    return str(ScriptDirectory.from_config(config).get_current_head())


HEAD = _head(alembic_config())
"""The newest migration of this release. Revisions are named ``NNNN_verb_noun``, so they compare as text."""


def _installed(engine: Engine) -> tuple[str | None, int | None]:
    """Return the database's revision and its functions' contract number; ``None`` where there is none."""
    try:
        with engine.connect() as connection:
            revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
            contract = connection.scalar(text("SELECT number FROM ledger_contract"))
    except ProgrammingError as error:
        if not isinstance(error.orig, errors.UndefinedTable):
            raise
        return None, None
    return revision, contract


def schema_problem(engine: Engine) -> str | None:
    """Say why this release cannot run on the database's schema, or ``None`` where it can.

    A newer schema is fine as long as the functions' contract number is ours: that is how an old and a new release
    run side by side during an upgrade.
    """
    try:
        revision, contract = _installed(engine)
    except ProgrammingError as error:
        if not isinstance(error.orig, errors.InsufficientPrivilege):
            raise
        return (
            "its role may not read the wallet's tables; migrate, and let an administrator run: "
            f"GRANT {CALLER} TO it, or {READER} if it is for reading alone"
        )
    if revision is None and contract is None:
        return f"the database has no wallet schema; run: wallet-service migrate (to {HEAD})"
    if revision is None or revision < HEAD:
        return f"the database is at migration {revision}, this release needs {HEAD}; run: wallet-service migrate"
    if contract != CONTRACT:
        return f"the ledger functions have contract {contract}, this release needs {CONTRACT}"
    return None


def prepare_database(settings: Settings) -> Settings:
    """Return settings that name a database, starting and migrating the embedded one where they name none.

    An external database is left alone: its migration is a deployment's own step.

    Raises:
        SettingsError: no database is named and the embedded one is not installed.

    """
    if settings.database_url:
        return settings
    connected = connect_embedded(settings)
    migrate(connected.owner_database_url)
    return connected
