"""The way in and out: /login, /logout, and out everywhere."""

from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, abort, g, redirect, request, url_for
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from wallet_service.admin.accounts import MAX_PASSWORD, Accounts, ThrottledError
from wallet_service.admin.forms import one_line
from wallet_service.admin.guard import person
from wallet_service.admin.pages import show
from wallet_service.admin.sessions import begin_session, end_session

__all__ = ["login_routes"]

log = structlog.get_logger("desk")


class LoginForm(FlaskForm):  # type: ignore[misc]
    """Name and password."""

    name = StringField("Name", [InputRequired(), Length(max=64), one_line], render_kw={"autocomplete": "username"})
    password = PasswordField(
        "Password",
        [InputRequired(), Length(max=MAX_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )


def login_routes(app: Flask, accounts: Accounts) -> None:
    """Add the routes."""

    def login() -> Any:
        if g.person is not None:
            return redirect(_destination())
        form = LoginForm()
        problem = ""
        if form.validate_on_submit():
            name, address = form.name.data or "", g.address
            try:
                found = accounts.log_in(name, form.password.data or "", address)
            except ThrottledError:
                problem = "Too many logins failed. Wait a quarter of an hour."
                log.warning("login throttled", name=name, address=address)
            else:
                if found:
                    begin_session(found)
                    log.info("login", name=name, address=address)
                    return redirect(_destination())
                problem = "Name or password is wrong."
                log.warning("login failed", name=name, address=address)
        refused = request.method == "POST"
        return show("login", {"form": form, "problem": problem}, 403 if refused else 200)

    def logout() -> Any:
        end_session()
        return redirect(url_for("login"))

    def logout_everywhere() -> Any:
        if person().is_script:
            abort(400, "A token has no sessions.")  # nor does it speak for an account that has its name
        accounts.change(person().name, by_whom=person().by_whom, why="logged out everywhere")
        return logout()

    app.add_url_rule("/login", "login", login, methods=["GET", "POST"])
    app.add_url_rule("/logout", "logout", logout, methods=["POST"])
    app.add_url_rule("/logout-everywhere", "logout_everywhere", logout_everywhere, methods=["POST"])


def _destination() -> str:
    """Return where the login was asked for, if that is a path of the desk; else the first page."""
    wanted = request.args.get("next", "")
    parts = urlsplit(wanted)
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return f"{request.script_root}{wanted}" if inside and wanted.isprintable() else url_for("overview")
