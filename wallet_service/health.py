"""Tells an orchestrator whether the process is alive and able to do its work."""

import structlog
from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from wallet_service.schema import schema_problem

__all__ = ["health_blueprint"]

log = structlog.get_logger("health")


def health_blueprint(engine: Engine) -> Blueprint:
    """Return the routes that an orchestrator asks."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """Alive: the process answers."""
        return {"status": "ok"}

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        """Ready: the database is reachable, its migrations and functions are those this release needs."""
        try:
            reason = schema_problem(engine) or _read_only(engine)
        except (DBAPIError, PoolTimeoutError) as error:
            # The driver's words name hosts and users; they go to the log, not to whoever asks.
            log.warning("database unreachable", reason=str(error.__cause__ or error))
            reason = "the database cannot be reached"
        if reason:
            return {"status": "unavailable", "reason": reason}, 503
        return {"status": "ready"}

    return blueprint


def _read_only(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if connection.scalar(text("SHOW transaction_read_only")) == "off":
            return None
        connection.invalidate()  # the primary may be elsewhere by the next time
    return "the database is read-only; is it a standby?"
