"""Who is asking, whether they may, and what every answer of the desk carries."""

from typing import Any

import structlog
from flask import Flask, Request, Response, abort, g, redirect, request, url_for
from flask_login import LoginManager, current_user
from flask_wtf import CSRFProtect
from werkzeug.exceptions import Forbidden, Unauthorized, UnsupportedMediaType
from werkzeug.wrappers import Response as AnyResponse

from wallet_service.admin.api_tokens import ApiTokens
from wallet_service.admin.identity import Person
from wallet_service.admin.logins import Logins
from wallet_service.admin.pages import wants_json
from wallet_service.admin.roles import ACCESS, PEOPLE_ALONE, Role
from wallet_service.auth import sender
from wallet_service.settings import Network

__all__ = ["SAFE_METHODS", "SECURITY_HEADERS", "Guard", "person"]

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NO_PAGE = "The desk has no page of this address. Each of its lists is in the menu; all else is found by its name."
FILES = frozenset({"static", "bootstrap.static"})
FORM = "application/x-www-form-urlencoded"
SCRIPT_MAY_NOT = "A token makes no tokens and manages no accounts: somebody has to log in for that."

log = structlog.get_logger("desk")


def person() -> Person:
    """Return who makes the current request, on a route that is not open to anybody."""
    found: Person = g.person
    return found


class Guard:
    """Lets in who may: by a session or a token, with the role that the route asks for, from a form of ours."""

    def __init__(self, app: Flask, logins: Logins, tokens: ApiTokens, proxies: tuple[Network, ...]) -> None:
        """Stand in front of every route of the application. ``proxies`` are believed about who sent a request."""
        self._logins = logins
        self._tokens = tokens
        self._proxies = proxies
        self._csrf = CSRFProtect(app)
        manager = LoginManager(app)
        manager.session_protection = None  # an address may change; sessions end by time, and where they are kept
        manager.user_loader(self.in_session)
        manager.request_loader(self.with_token)
        app.before_request(self.let_in)
        app.after_request(carry)

    def in_session(self, session_id: str) -> Person | None:
        """Return whose session it is."""
        return self._logins.in_session(session_id)

    def with_token(self, of: Request) -> Person | None:
        """Return the script whose token the request bears."""
        scheme, _, token = of.headers.get("Authorization", "").partition(" ")
        return self._tokens.bearer(token.strip()) if scheme.lower() == "bearer" else None

    def let_in(self) -> AnyResponse | None:
        """Decide about the current request: ``None`` lets it pass.

        Raises:
            HTTPException: it may not.

        """
        endpoint = request.endpoint or ""
        if endpoint in FILES:
            return None
        g.address = str(sender(request.remote_addr, request.headers.get("X-Forwarded-For"), self._proxies) or "")
        asking: Any = current_user
        g.person = asking._get_current_object() if asking.is_authenticated else None  # noqa: SLF001 - not its proxy
        if endpoint not in ACCESS:
            abort(404, NO_PAGE)  # whoever is logged in still has the menu and the search
        elsewhere = may_pass(endpoint, ACCESS[endpoint])
        if request.method not in SAFE_METHODS:
            if request.mimetype not in {FORM, ""}:  # before anything reads the form
                raise UnsupportedMediaType(f"Nothing was done: send the form's fields as {FORM}.")
            if not (g.person and g.person.is_script):
                self._csrf.protect()  # a script's token is no cookie, so no other site can send it
            elif endpoint in PEOPLE_ALONE:
                raise Forbidden(SCRIPT_MAY_NOT)
        return elsewhere


def may_pass(endpoint: str, needed: Role | None) -> AnyResponse | None:
    """Decide by the role of whoever asks.

    Raises:
        HTTPException: it is not enough.

    """
    if needed is None:
        return None
    if g.person is None:
        if "Authorization" in request.headers:
            log.warning("token refused", path=request.path, address=g.address)
            raise Unauthorized
        if wants_json() or request.path.endswith(".csv") or request.method not in SAFE_METHODS:
            raise Unauthorized("Nothing was done: you are not logged in, or no longer.")
        return redirect(url_for("login", next=request.full_path.rstrip("?")))
    if not g.person.may(needed):
        log.warning("refused", by=g.person.by_whom, endpoint=endpoint)
        raise Forbidden(
            f"This needs the role {needed.label}, and {g.person.name} has the role {g.person.role.label}. An admin can"
            " give you the role, or somebody who has it can do this for you."
        )
    return None


def carry(response: Response) -> Response:
    """Give an answer the headers that every one has."""
    response.headers.update(SECURITY_HEADERS)
    if request.endpoint not in FILES:
        response.headers["Cache-Control"] = "no-store"
    return response
