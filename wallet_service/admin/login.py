"""The way in and out: /login, /logout, and out everywhere."""

from typing import Any

from flask import Flask, abort, g, redirect, request, url_for
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from wallet_service.admin.accounts import Accounts
from wallet_service.admin.forms import one_line
from wallet_service.admin.guard import person
from wallet_service.admin.identity import MAX_NAME
from wallet_service.admin.logins import Logins
from wallet_service.admin.pages import show
from wallet_service.admin.passwords import MAX_PASSWORD
from wallet_service.admin.sessions import begin_session, drop_session
from wallet_service.admin.throttle import ThrottledError
from wallet_service.names import has_controls

__all__ = ["login_routes"]


class LoginForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Name and password."""

    name = StringField(
        "Name", [InputRequired(), Length(max=MAX_NAME), one_line], render_kw={"autocomplete": "username"}
    )
    password = PasswordField(
        "Password",
        [InputRequired(), Length(max=MAX_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )


def login_routes(app: Flask, accounts: Accounts, logins: Logins) -> None:
    """Add the routes."""
    views = Login(accounts, logins)
    app.add_url_rule("/login", "login", views.login, methods=["GET", "POST"])
    app.add_url_rule("/logout", "logout", views.logout, methods=["POST"])
    app.add_url_rule("/logout-everywhere", "logout_everywhere", views.logout_everywhere, methods=["POST"])


class Login:
    """The views."""

    def __init__(self, accounts: Accounts, logins: Logins) -> None:
        """Let in whom ``logins`` knows; ``accounts`` end all sessions of one."""
        self._accounts = accounts
        self._logins = logins

    def login(self) -> Any:
        """Show the form, and begin a session."""
        if g.person is not None:
            return redirect(_destination())
        form = LoginForm()
        problem = ""
        if form.validate_on_submit():
            try:
                found = self._logins.log_in(form.name.data or "", form.password.data or "", g.address)
            except ThrottledError:
                problem = "Too many logins failed. Wait a quarter of an hour."
            else:
                if found:
                    begin_session(found)
                    return redirect(_destination())
                problem = "Name or password is wrong."
        refused = request.method == "POST"
        return show("login", {"form": form, "problem": problem}, 403 if refused else 200)

    def logout(self) -> Any:
        """End this session."""
        if not person().is_script:
            self._logins.end_session(person().session_id)
        drop_session()
        return redirect(url_for("login"))

    def logout_everywhere(self) -> Any:
        """End every session of the account."""
        if person().is_script:
            abort(400, "A token has no sessions.")  # nor does it speak for an account that has its name
        self._accounts.change(person().name, by_whom=person().by_whom, why="logged out everywhere")
        drop_session()
        return redirect(url_for("login"))


def _destination() -> str:
    """Return where the login was asked for, if that is a path of the desk; else the first page."""
    wanted = request.args.get("next", "")
    # What begins with the desk's own path is no other site's, whatever follows; a browser drops controls from it.
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not has_controls(wanted)
    return f"{request.script_root}{wanted}" if inside else url_for("overview")
