"""Waiting for a database that is not there yet, as after the machines were started together."""

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from wallet_service.settings import SettingsError

__all__ = ["wait_for_database"]

TRIED_EVERY_S = 0.5
TOLD_EVERY_S = 10.0
REFUSAL = re.compile(
    r"authentication failed|no password supplied|pg_hba\.conf|permission denied"
    r"|(role|database|file) .* does not exist|no such (user|database)"
    r"|unsupported startup parameter|does not support SSL|certificate"
)
"""What no waiting mends. PostgreSQL's words are all that libpq tells of it; in another language it is waited, too."""

log = structlog.get_logger("serving")


def wait_for_database(engine: Engine, variable: str, at_most_s: float) -> bool:
    """Return when the database takes connections, or that it still does not after so many seconds.

    Meanwhile the log says why not; SIGTERM ends the process.

    Raises:
        SettingsError: it answers, and refuses what ``variable`` says.

    """
    started = monotonic()
    tell_at = started
    with _ending_at_sigterm():
        while reason := _unreachable(engine):
            if REFUSAL.search(reason):
                raise SettingsError(f"{variable}: {reason}")
            if monotonic() >= tell_at:
                log.warning("waiting for the database", variable=variable, reason=reason)
                tell_at = monotonic() + TOLD_EVERY_S
            if monotonic() - started >= at_most_s:
                return False
            sleep(TRIED_EVERY_S)
    if tell_at > started:
        log.info("the database is there", variable=variable, waited_seconds=round(monotonic() - started, 1))
    return True


def _unreachable(engine: Engine) -> str:
    """Say in one line why there is no connection; nothing where there is one. libpq's words hold no password."""
    try:
        engine.connect().close()
    except OperationalError as error:
        return " ".join(str(error.orig).split())
    return ""


@contextmanager
def _ending_at_sigterm() -> Iterator[None]:
    # Of a container's first process, the system ignores signals that it has no handler for.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
