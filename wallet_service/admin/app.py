"""The wiring of the desk: an application of its own, which stands at /admin wherever it is served."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import structlog
from flask import Flask, Response, request
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFError
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, TimeoutError  # noqa: A004 - the pool's
from werkzeug.exceptions import (
    BadHost,
    BadRequest,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    Unauthorized,
)
from werkzeug.routing import Map
from werkzeug.wrappers import Response as AnyResponse

from wallet_service.admin.accounts import Accounts
from wallet_service.admin.acting import acting_routes
from wallet_service.admin.addresses import CONVERTERS
from wallet_service.admin.adjusting import adjusting_routes
from wallet_service.admin.api_tokens import ApiTokens
from wallet_service.admin.asking import Asking
from wallet_service.admin.cancel_pages import cancel_routes
from wallet_service.admin.formats import add_formats
from wallet_service.admin.guard import SAFE_METHODS, SECURITY_HEADERS, Guard
from wallet_service.admin.list_pages import list_routes
from wallet_service.admin.login import login_routes
from wallet_service.admin.logins import Logins
from wallet_service.admin.me import me_routes
from wallet_service.admin.overview import overview_routes
from wallet_service.admin.pages import show
from wallet_service.admin.passwords import BusyError
from wallet_service.admin.people import people_routes
from wallet_service.admin.players import player_routes
from wallet_service.admin.reference import reference_routes
from wallet_service.admin.roles import ACCESS, Role
from wallet_service.admin.search import search_routes
from wallet_service.admin.selection_pages import selection_routes
from wallet_service.admin.sessions import IDLE_LIMIT, DeskSessions
from wallet_service.admin.stories import story_routes
from wallet_service.admin.tokens import tokens_routes
from wallet_service.ledger.ledger import Ledger, LedgerUnavailableError
from wallet_service.renewal import RENEWALS
from wallet_service.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["MAX_FORM_BYTES", "PREFIX", "create_desk"]

NAVIGATION = (
    ("overview", "Overview"),
    ("rounds", "Rounds"),
    ("transactions", "Transactions"),
    ("refusals", "Refusals"),
    ("cancellations", "Cancellations"),
    ("reviews", "Reviews"),
    ("actions", "Actions"),
    ("people", "Accounts"),
    ("tokens", "Tokens"),
)
"""Endpoints and labels of the menu."""
PREFIX = "/admin"
MAX_FORM_BYTES = 256 * 1024

BUSY_SECONDS = 5

UNREADABLE = "The database did not answer in time. Try again, or narrow the filter."
UNKNOWN = (
    "The database did not answer in time, so it is not known whether this was done. Reload the page to send the same"
    " form once more, which acts once, or look in the action log. Do not begin anew before you know."
)

log = structlog.get_logger("desk")


def create_desk(settings: Settings, ledger: Ledger, reads: Engine, writes: Engine) -> Flask:
    """Return the desk as a WSGI application, to be mounted at ``PREFIX``.

    ``ledger`` carries out what people do; ``reads`` is read-only, with a limit to how long a query takes, and may be
    behind; ``writes`` is for the desk's own accounts, and for the pages on which people act: what was done a moment ago
    must be there.
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=settings.admin_secret_key,
        SESSION_COOKIE_NAME="desk",
        SESSION_COOKIE_PATH=PREFIX,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=IDLE_LIMIT,
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        BOOTSTRAP_SERVE_LOCAL=True,
        WTF_CSRF_CHECK_DEFAULT=False,  # the guard checks it, of whoever has a session
        WTF_CSRF_TIME_LIMIT=None,  # a form is good for as long as its session
    )
    app.session_interface = DeskSessions()
    app.jinja_env.globals["NAVIGATION"] = NAVIGATION
    add_formats(app)
    app.url_map.converters.update(CONVERTERS)
    app.url_map.merge_slashes = False  # a round's id may have two of them in a row
    app.jinja_env.globals["ACCESS"] = ACCESS
    app.jinja_env.globals["Role"] = Role
    Bootstrap5(app)
    accounts, logins, tokens = Accounts(writes), Logins(writes), ApiTokens(writes)
    Guard(app, logins, tokens, settings.trusted_proxies)
    login_routes(app, accounts, logins)
    overview_routes(app, reads)
    list_routes(app, reads)
    search_routes(app, reads)
    story_routes(app, reads)
    player_routes(app, reads)
    acting_routes(app, writes, ledger)
    adjusting_routes(app, writes, ledger)
    asking = Asking(settings, ledger)
    app.extensions[RENEWALS] = [asking.renew, partial(renew_key, app)]
    cancel_routes(app, writes, asking)
    selection_routes(app, writes, asking)
    people_routes(app, accounts, tokens)
    tokens_routes(app, tokens)
    me_routes(app, accounts, logins)
    reference_routes(app, settings)
    app.wsgi_app = in_front(app.wsgi_app, app.url_map)  # type: ignore[assignment,method-assign]  # Flask means it to be wrapped
    app.register_error_handler(HTTPException, show_error)
    app.register_error_handler(CSRFError, show_stale_form)
    app.register_error_handler(BusyError, show_busy)
    app.register_error_handler(Exception, show_fault)
    return app


def renew_key(app: Flask, settings: Settings) -> None:
    """Sign sessions with the settings' key from now on. With another one than before, everybody logs in again."""
    app.secret_key = settings.admin_secret_key


def in_front(desk: "WSGIApplication", rules: Map) -> "WSGIApplication":
    """Put in front of the desk what Flask cannot do.

    ``PREFIX`` alone is the first page: a rule of the desk cannot have the empty path. A ``Host`` that is none is told
    so: Flask has no addresses then, and can write no page.
    """

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"
        try:
            rules.bind_to_environ(environ)
        except BadHost:
            refusal = AnyResponse("The request's Host is none.\n", 400, SECURITY_HEADERS, mimetype="text/plain")
            return refusal(environ, start_response)
        return desk(environ, start_response)

    return serve


def show_error(error: HTTPException) -> Response:
    """Show what cannot be done."""
    told = {"status": error.code, "error": error.name, "text": error.description}
    response = show("error", told, error.code or 500)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def show_stale_form(error: CSRFError) -> Response:
    """Show that a form is of another session, or another site's."""
    log.warning("form refused", path=request.path, reason=error.description)
    return show_error(BadRequest("Nothing was done: the form is of another session. Reload its page and send it."))


def show_busy(_error: BusyError) -> Response:
    """Show that too many passwords are being looked at, which is over soon."""
    response = show_error(ServiceUnavailable("Too many people log in at this moment. Try again in a few seconds."))
    response.headers["Retry-After"] = str(BUSY_SECONDS)
    return response


def show_fault(error: Exception) -> Response:
    """Show that something failed: logged whole, told to nobody. A database that is away or slow is no fault of ours."""
    if isinstance(error, LedgerUnavailableError | OperationalError | TimeoutError):
        log.warning("unavailable", path=request.path, error=str(error).partition("\n")[0])
        return show_error(ServiceUnavailable(UNREADABLE if request.method in SAFE_METHODS else UNKNOWN))
    log.error("fault", path=request.path, exc_info=error)
    try:
        return show_error(InternalServerError())
    except Exception:  # the page itself cannot be written
        log.exception("fault in the page of a fault", path=request.path)
        return Response(InternalServerError.description, 500, mimetype="text/plain")
