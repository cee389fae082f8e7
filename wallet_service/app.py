"""The wiring: settings in, a Flask application out."""

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, InternalServerError

from wallet_service.auth import Credentials
from wallet_service.database import create_wallet_engine
from wallet_service.health import health_blueprint
from wallet_service.ledger.ledger import Ledger
from wallet_service.logs import configure_logs
from wallet_service.operator_api.routes import operator_blueprint
from wallet_service.schema import prepare_database
from wallet_service.settings import Settings
from wallet_service.versions.endpoint import MAX_BODY_BYTES, Accepted, Answer, wallet_blueprint
from wallet_service.versions.v4 import answers as v4_answers
from wallet_service.versions.v4 import routes as v4_routes
from wallet_service.versions.v4_02 import answers as v4_02_answers
from wallet_service.versions.v4_02 import routes as v4_02_routes

__all__ = ["create_app"]

MAX_LOGGED_PATH = 200

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

    engine = create_wallet_engine(settings.database_url, connections=settings.threads)
    ledger = Ledger(engine, reverse_settled=settings.refund_settled_round == "reverse")
    accepted = Accepted(settings.provider_id, settings.currencies)
    credentials = Credentials(settings)

    # No static files: what they would answer is not JSON, and /static is nobody's business.
    app = Flask(__name__, static_folder=None)
    # A doubled slash is no path of ours, and a redirect would be HTML with the token in it.
    app.url_map.merge_slashes = False
    # One more than is taken: a body of unknown length is cut off here without an error, and found too long there.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    for version in (v4_02_routes.v4_02(settings.v402_prefix), v4_routes.v4(settings.v4_currency or None)):
        app.register_blueprint(wallet_blueprint(version, ledger, credentials, accepted))
    if settings.operator_token:
        app.register_blueprint(operator_blueprint(ledger, settings.operator_token, settings.currencies))
    app.register_blueprint(health_blueprint(engine))
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(Exception, answer_fault)
    return app


def answer_http_error(error: HTTPException) -> Response:
    """Answer what is no wallet call at all, in the shape of the version it is closest to (contract, section 6)."""
    status = error.code or 500
    log.info("not a call", method=request.method, path=request.path[:MAX_LOGGED_PATH], status=status)
    answer = _shape(status, error.description or error.name)
    response = Response(answer.body, answer.status, mimetype="application/json")
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def answer_fault(error: Exception) -> Response:
    """Answer a fault of ours: logged whole, told to nobody, and the caller may send the call again."""
    log.error("fault", method=request.method, path=request.path[:MAX_LOGGED_PATH], exc_info=error)
    answer = _shape(500, InternalServerError.description)
    return Response(answer.body, answer.status, mimetype="application/json")


def _shape(status: int, description: str) -> Answer:
    if request.path.startswith(f"{v4_routes.PREFIX}/"):
        return v4_answers.not_a_call(status, description)
    return v4_02_answers.not_a_call(status, description)
