"""Sessions at the desk: a signed cookie, which ends after a while without a request, and after a working day."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, cast

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import login_user, logout_user

from wallet_service.admin.accounts import Person

__all__ = ["IDLE_LIMIT", "DeskSessions", "begin_session", "end_session", "session_is_young"]

IDLE_LIMIT = timedelta(minutes=30)
ABSOLUTE_LIMIT = timedelta(hours=12)
BEGAN = "began"


class DeskSessions(SecureCookieSessionInterface):
    """Session cookies that HTTPS alone carries, except to this machine itself, where there may be none."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask asks so
        """Tell whether the cookie is for HTTPS only."""
        host = request.host.rpartition(":")[0] or request.host
        proxied = any(name.startswith("X-Forwarded-") or name == "Forwarded" for name in request.headers.keys())  # noqa: SIM118
        return proxied or not (_is_loopback(host.strip("[]")) and _is_loopback(request.remote_addr or ""))


def begin_session(person: Person) -> None:
    """Begin a session for somebody who has just logged in. What an earlier one left is dropped."""
    session.clear()
    session.permanent = True  # the cookie ends with the idle limit, which each request renews
    session[BEGAN] = datetime.now(UTC).timestamp()
    login_user(cast("Any", person))


def end_session() -> None:
    """End the session of the request."""
    logout_user()
    session.clear()


def session_is_young() -> bool:
    """Tell whether the request's session began less than a working day ago."""
    began = session.get(BEGAN)
    return isinstance(began, float) and datetime.now(UTC).timestamp() - began < ABSOLUTE_LIMIT.total_seconds()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
