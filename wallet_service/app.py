"""The wiring: settings in, a Flask application out."""

from pathlib import Path

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from wallet_service.admin.app import PREFIX, create_desk
from wallet_service.admission import Admission
from wallet_service.auth import Credentials
from wallet_service.database import create_desk_engine, create_feed_engine, create_group_engine, create_wallet_engine
from wallet_service.door import Door
from wallet_service.early_answers import early_answers
from wallet_service.health import health_blueprint
from wallet_service.ledger.feed import Feed
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.outcomes import Outcome
from wallet_service.logs import MAX_LOGGED_PATH, configure_logs
from wallet_service.metrics import Metrics, metrics_blueprint
from wallet_service.openapi.document import openapi_document
from wallet_service.openapi.routes import openapi_blueprint
from wallet_service.operator_api import routes as operator_api
from wallet_service.operator_api.handling import UNKNOWN_SENDER
from wallet_service.renewal import RENEWALS
from wallet_service.schema import prepare_database
from wallet_service.settings import Settings
from wallet_service.stored_metrics import StoredMetrics
from wallet_service.traces import Traces
from wallet_service.versions.endpoint import MAX_BODY_BYTES, Accepted, Answer, wallet_blueprint
from wallet_service.versions.v4 import answers as v4_answers
from wallet_service.versions.v4 import routes as v4_routes
from wallet_service.versions.v4_02 import answers as v4_02_answers
from wallet_service.versions.v4_02 import routes as v4_02_routes

__all__ = ["create_admin", "create_app"]

MAX_LOGGED_METHOD = 20
DESK_CONNECTIONS = 4
"""Of each kind, in a worker. People are few, and a connection is not held while they read."""

log = structlog.get_logger("app")


def create_app(settings: Settings | None = None) -> Flask:
    """Return the service as a WSGI application; without settings, those of the environment.

    Raises:
        SettingsError: a setting is wrong, or a secret is missing.

    """
    settings = settings or Settings.load()
    settings.require_secrets()
    settings = prepare_database(settings)
    configure_logs(settings.log_level)

    metrics = Metrics()
    ledger = make_ledger(settings, metrics)
    accepted = Accepted(settings.provider_id, settings.currencies)
    credentials = Credentials(settings)
    traces = Traces(settings.traces_url) if settings.traces_url else None

    # No static files: what they would answer is not JSON, and /static is nobody's business.
    app = Flask(__name__, static_folder=None)
    # A doubled slash is no path of ours, and a redirect would be HTML with the token in it.
    app.url_map.merge_slashes = False
    # Flask's own answer to OPTIONS calls itself HTML.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # One more than is taken: a body of unknown length is cut off here without an error, and found too long there.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    versions = (v4_02_routes.v4_02(settings.v402_prefix), v4_routes.v4(settings.v4_currency or None))
    for version in versions:
        app.register_blueprint(wallet_blueprint(version, ledger, credentials, accepted, metrics, traces))
    if settings.operator_token:
        feed = Feed(create_feed_engine(settings.database_url))
        operator = operator_api.operator_blueprint(ledger, feed, credentials, settings.currencies, metrics)
        app.register_blueprint(operator)
    app.register_blueprint(health_blueprint(create_wallet_engine(settings.database_url, connections=1)))
    app.register_blueprint(openapi_blueprint(openapi_document(versions, with_operator=bool(settings.operator_token))))
    busy, unknown = (early_answers(versions, outcome) for outcome in (Outcome.UNAVAILABLE, Outcome.CREDENTIALS_WRONG))
    app.wsgi_app = Admission(app.wsgi_app, settings.calls_at_once, busy, metrics)  # type: ignore[method-assign]  # Flask means it to be wrapped
    app.wsgi_app = Door(  # type: ignore[method-assign]  # Flask means it to be wrapped
        app.wsgi_app, credentials, unknown, operator_api.PREFIX, UNKNOWN_SENDER, metrics
    )
    app.extensions[RENEWALS] = [credentials.renew]
    if settings.admin_secret_key and not settings.admin_port:
        put_desk_on(app, settings)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(Exception, answer_fault)
    return app


def make_ledger(settings: Settings, metrics: Metrics) -> Ledger:
    """Return the ledger that the wallet calls go to."""
    prepared = not settings.is_pooled
    engine = create_wallet_engine(settings.database_url, settings.connections, prepared_statements=prepared)
    metrics.watch(engine, "one by one")
    group_engine = None
    if settings.calls_together > 1:
        group_engine = create_group_engine(settings.database_url, prepared_statements=prepared)
        metrics.watch(group_engine, "together")
    return Ledger(
        engine,
        reverse_settled=settings.refund_settled_round == "reverse",
        group_engine=group_engine,
        pooled=settings.is_pooled,
        calls_together=settings.calls_together,
        on_statement=metrics.statement,
    )


def create_admin(settings: Settings, metrics_folder: Path) -> Flask:
    """Return the desk, and what the folder's processes count, as a WSGI application for a port of its own.

    The settings must name a database.
    """
    configure_logs(settings.log_level)
    app = Flask(__name__, static_folder=None)
    calls = create_wallet_engine(settings.database_url, connections=1)
    app.register_blueprint(health_blueprint(calls))
    stored = StoredMetrics(create_desk_engine(settings.reader_database_url, connections=1, read_only=True), calls)
    app.register_blueprint(metrics_blueprint(metrics_folder, stored))
    app.extensions[RENEWALS] = []
    put_desk_on(app, settings)
    return app


def put_desk_on(app: Flask, settings: Settings) -> None:
    """Serve the desk beside what the application serves."""
    desk = make_desk(settings)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {PREFIX: desk})  # type: ignore[method-assign]  # Flask means it to be wrapped
    app.extensions[RENEWALS] += desk.extensions[RENEWALS]


def make_desk(settings: Settings) -> Flask:
    """Return the desk over the settings' database, with connections of its own."""
    ledger = Ledger(create_wallet_engine(settings.database_url, connections=DESK_CONNECTIONS))
    reads = create_desk_engine(settings.reader_database_url, DESK_CONNECTIONS, read_only=True)
    writes = create_desk_engine(settings.database_url, DESK_CONNECTIONS, read_only=False)
    return create_desk(settings, ledger, reads, writes)


def answer_http_error(error: HTTPException) -> Response:
    """Answer what is no wallet call at all, in the shape of the version it is closest to (contract, section 6)."""
    status = error.code or 500
    log.info(
        "not a call", method=request.method[:MAX_LOGGED_METHOD], path=request.path[:MAX_LOGGED_PATH], status=status
    )
    answer = _shape(status, error.description or error.name)
    response = Response(answer.body, answer.status, mimetype="application/json")
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def answer_fault(error: Exception) -> Response:
    """Answer a fault of ours: logged whole, told to nobody, and the caller may send the call again."""
    log.error("fault", method=request.method[:MAX_LOGGED_METHOD], path=request.path[:MAX_LOGGED_PATH], exc_info=error)
    answer = _shape(500, InternalServerError.description)
    return Response(answer.body, answer.status, mimetype="application/json")


def _shape(status: int, description: str) -> Answer:
    if request.path.startswith(f"{v4_routes.PREFIX}/"):
        return v4_answers.not_a_call(status, description)
    return v4_02_answers.not_a_call(status, description)
