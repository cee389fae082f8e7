"""Whether the roles that the settings name can do no more than their part, looked at before anything is served."""

from collections.abc import Set as AbstractSet

import structlog

from wallet_service.database import create_read_engine
from wallet_service.ledger.grants import CALLER, READER
from wallet_service.ledger.powers import excess_powers
from wallet_service.settings import Settings, SettingsError

__all__ = ["check_roles", "excess_of"]

TOLD = 3

log = structlog.get_logger("roles")


def check_roles(settings: Settings, missing: AbstractSet[str]) -> None:
    """Refuse roles that may do more than their part, where there are several; warn where there is one for everything.

    What a ``missing`` variable names cannot be asked now; the log says so.

    Raises:
        SettingsError: the settings name roles of their own for owning or reading, and one of them may do too much.

    """
    for variable in missing:
        log.warning("going on without this database; its role is not looked at", variable=variable)
    for variable, powers in excess_of(settings, missing).items():
        told = ", ".join(powers[:TOLD]) + (f", and {len(powers) - TOLD} more" if len(powers) > TOLD else "")
        if settings.has_roles_apart:
            raise SettingsError(f"the role can do too much for its part in {variable}: it {told}")
        log.warning("the service can write the ledger past its functions", variable=variable, powers=told)


def excess_of(settings: Settings, missing: AbstractSet[str] = frozenset()) -> dict[str, list[str]]:
    """Return what the service's and the readers' role may do beyond their parts, by variable; empty where nothing.

    Those of ``missing`` variables are not looked at.
    """
    parts = {"WALLET_DATABASE_URL": (settings.database_url, CALLER)}
    if settings.reader_database_url != settings.database_url:
        parts["WALLET_READER_DATABASE_URL"] = (settings.reader_database_url, READER)
    found = {}
    for variable, (url, group) in parts.items():
        if variable in missing:
            continue
        engine = create_read_engine(url)
        with engine.connect() as connection:
            if powers := excess_powers(connection, group):
                found[variable] = powers
        engine.dispose()
    return found
