"""The examination of a deployment, from its settings to Lucky Monaco."""

from collections.abc import Iterator
from ssl import SSLContext

import httpx
from sqlalchemy.exc import DBAPIError

from wallet_service.database import create_read_engine
from wallet_service.database_roles import excess_of
from wallet_service.doctor.database_checks import check_server
from wallet_service.doctor.findings import Finding, fault, good, warning
from wallet_service.doctor.lucky_monaco_checks import check_lucky_monaco
from wallet_service.doctor.settings_checks import check_machine, check_settings
from wallet_service.schema import HEAD, schema_problem
from wallet_service.settings import Settings, SettingsError
from wallet_service.timeouts import check_timeouts

__all__ = ["examine"]

TOLD = 3
"""Powers of a role that are named."""


def examine(workers: int, trusted: SSLContext | None = None) -> Iterator[Finding]:
    """Examine the deployment that the environment describes, and yield what is found, in order.

    Nothing is changed or started. ``workers`` are those of all services together; ``trusted`` says whose certificates
    are (those that calls to Lucky Monaco trust, unless given).
    """
    try:
        settings = Settings.load()
    except SettingsError as error:
        yield fault("settings", str(error), "Nothing starts with it; correct it, and examine again.")
        return
    yield from check_settings(settings)
    yield check_machine()
    if settings.database_url:
        yield from _database(settings, workers)
    elif settings.owner_database_url or settings.reader_database_url:
        yield fault(
            "database", "WALLET_DATABASE_URL is not set, and another one is.", "Set it: nothing serves without."
        )
    else:
        yield warning("database", "It is the embedded one, which is for trials.", "Set WALLET_DATABASE_URL.")
    if settings.lucky_monaco_url:
        yield from check_lucky_monaco(settings.lucky_monaco_url, trusted or httpx.create_ssl_context(trust_env=False))


def _database(settings: Settings, workers: int) -> Iterator[Finding]:
    for variable, url in {
        "WALLET_DATABASE_URL": settings.database_url,
        "WALLET_READER_DATABASE_URL": settings.reader_database_url,
    }.items():
        engine = create_read_engine(url)
        try:
            problem = schema_problem(engine)
            if variable == "WALLET_DATABASE_URL":
                with engine.connect() as connection:
                    yield from check_server(connection, settings, workers)
        except DBAPIError as error:
            # The driver names host and role, and no password.
            yield fault(
                "database", f"{variable}: {' '.join(str(error.orig).split())}", "Look at the URL and the server."
            )
            return
        if problem:
            yield fault("schema", f"{variable}: {problem}", "Run: wallet-service migrate, with the owner's URL.")
            return
    yield good("schema", f"It is at {HEAD} or later, with this release's functions.")
    yield _timeouts(settings)
    yield from _roles(settings)


def _timeouts(settings: Settings) -> Finding:
    try:
        check_timeouts(settings)
    except SettingsError as error:
        return fault("timeouts", str(error), "The service does not start without them.")
    return good("timeouts", "No call waits for longer than somebody waits for its answer.")


def _roles(settings: Settings) -> Iterator[Finding]:
    excess = excess_of(settings)
    for variable, powers in excess.items():
        found = f"The role in {variable} {', '.join(powers[:TOLD])}{' and more' if len(powers) > TOLD else ''}."
        mend = "Use the roles of deploy/roles.sql, and run: wallet-service migrate, which grants each its part."
        yield fault("roles", found, mend) if settings.has_roles_apart else warning("roles", found, mend)
    if not excess:
        yield good("roles", "Whoever serves, and whoever reads, can do no more than that.")
    if settings.owner_database_url not in {settings.database_url, settings.reader_database_url}:
        yield warning(
            "roles",
            "The owner's URL is here, with which everything can be done.",
            "Keep WALLET_OWNER_DATABASE_URL from machines that serve: migrate alone needs it.",
        )
