"""Secrets that change while the service runs: SIGHUP has those read again that are in files, in place.

No process is started anew for it, so no call is lost: a worker that ends closes connections on which a call may be
arriving.
"""

import multiprocessing
import os
import signal
from contextlib import suppress

import structlog
from flask import Flask

from wallet_service.settings import Settings, SettingsError

__all__ = ["RENEWALS", "newest", "pass_on", "renew_secrets"]

RENEWALS = "renewals"
"""An application's extension: what takes new secrets, each a function of the settings."""

log = structlog.get_logger("serving")


def newest(settings: Settings) -> Settings:
    """Return the settings with the secrets that their files hold now; as they were, if those are wrong."""
    try:
        return settings.renewed()
    except SettingsError as error:
        log.error("secrets not renewed", reason=str(error), process=os.getpid())  # noqa: TRY400 - a stack says no more
        return settings


def renew_secrets(app: Flask, settings: Settings) -> None:
    """Have an application go on with the secrets that the settings' files hold now."""
    fresh = newest(settings)
    for renew in app.extensions[RENEWALS]:
        renew(fresh)
    log.info("secrets read", process=os.getpid())


def pass_on(settings: Settings) -> None:
    """Have this process's own processes read their secrets again, unless what there is to read is wrong."""
    try:
        fresh = settings.renewed()
    except SettingsError as error:
        log.error("secrets not renewed", reason=str(error))  # noqa: TRY400 - a stack says no more
        return
    if fresh.database_url != settings.database_url:
        log.warning("WALLET_DATABASE_URL takes effect with the next start")
    for process in multiprocessing.active_children():
        with suppress(ProcessLookupError):  # it has just ended; the one that comes for it reads anew
            os.kill(process.pid or 0, signal.SIGHUP)
