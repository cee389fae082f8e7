"""One's own account: another password, and out everywhere."""

from typing import Any

from flask import Flask, abort, flash, g
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from wallet_service.admin.accounts import Accounts
from wallet_service.admin.forms import ACTS, DeskForm, add_pages, form_status
from wallet_service.admin.guard import person
from wallet_service.admin.logins import Logins
from wallet_service.admin.pages import go_to, show
from wallet_service.admin.passwords import MAX_PASSWORD
from wallet_service.admin.people import NEW_PASSWORD, PASSWORD_HINT, PASSWORD_LENGTH
from wallet_service.admin.sessions import drop_session
from wallet_service.admin.throttle import ThrottledError

__all__ = ["me_routes"]


class PasswordForm(DeskForm):
    """Changes one's own password."""

    old = PasswordField(
        "Your password now",
        [InputRequired("Give it."), Length(max=MAX_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        "The new one", [InputRequired("Give one."), PASSWORD_LENGTH], description=PASSWORD_HINT, render_kw=NEW_PASSWORD
    )
    again = PasswordField(
        "The new one again", [EqualTo("new", "This is another one.")], render_kw={"autocomplete": "new-password"}
    )


def me_routes(app: Flask, accounts: Accounts, logins: Logins) -> None:
    """Add the route."""

    def me() -> Any:
        form = PasswordForm()
        if form.validate_on_submit():
            if person().is_script:
                abort(400, "A token has no password.")  # nor does it speak for an account that has its name
            problem = _wrong(logins, form.old.data or "")
            if not problem:
                by_whom = person().by_whom
                accounts.change(person().name, by_whom=by_whom, why="changed their own", password=form.new.data)
                drop_session()
                flash("Your password is changed. Log in with it.", "success")
                return go_to("login")
            form.old.errors = [problem]
        data = {"name": person().name, "role": person().role.label, "form": form}
        return show("me", data, form_status())

    add_pages(app, ACTS, me=("/me", me))


def _wrong(logins: Logins, password: str) -> str:
    """Say why that is not the password of whoever asks; nothing where it is. Guesses count as failed logins."""
    try:
        right = logins.knows_password(person().name, password, g.address)
    except ThrottledError:
        return "Too many wrong ones. Wait a quarter of an hour."
    return "" if right else "This is not your password."
