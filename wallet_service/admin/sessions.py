"""The sessions' cookies: signed, and good for a while after the last page that somebody asked for.

Which sessions there are is kept in the database: one that has ended there is over, whatever cookie comes.
"""

from datetime import timedelta
from ipaddress import ip_address
from typing import Any, cast

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_login import login_user, logout_user

from wallet_service.admin.identity import Person

__all__ = ["IDLE_LIMIT", "DeskSessions", "begin_session", "drop_session"]

IDLE_LIMIT = timedelta(minutes=30)
BACKGROUND = "X-Background"
"""The header of what a page asks for by itself: nobody need be there for that, so it does not put the end off."""


class DeskSessions(SecureCookieSessionInterface):
    """Session cookies that HTTPS alone carries, except to this machine itself, where there may be none."""

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Tell whether the answer renews the cookie, and so the time until it ends."""
        return super().should_set_cookie(app, session) and (session.modified or BACKGROUND not in request.headers)

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask asks so
        """Tell whether the cookie is for HTTPS only."""
        host = request.host.rpartition(":")[0] or request.host
        proxied = any(name.startswith("X-Forwarded-") or name == "Forwarded" for name in request.headers.keys())  # noqa: SIM118 - it yields pairs without
        return proxied or not (_is_loopback(host.strip("[]")) and _is_loopback(request.remote_addr or ""))


def begin_session(person: Person) -> None:
    """Begin a session for somebody who has just logged in. What an earlier one left is dropped."""
    session.clear()
    session.permanent = True  # the cookie ends with the idle limit, which each page renews
    login_user(cast("Any", person))


def drop_session() -> None:
    """Drop the cookie of the request's session."""
    logout_user()
    session.clear()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
