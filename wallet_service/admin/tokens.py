"""The tokens of scripts: made and shown once, and revoked."""

from typing import Any
from uuid import UUID

from flask import Flask, abort, flash, request
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from wallet_service.admin.accounts import Accounts, UnknownError
from wallet_service.admin.forms import ACTS, WhyForm, add_pages, form_status, text_of
from wallet_service.admin.guard import person
from wallet_service.admin.pages import go_to, show
from wallet_service.admin.people import ROLES
from wallet_service.admin.roles import Role

__all__ = ["tokens_routes"]


class NewTokenForm(WhyForm):
    """Makes a token."""

    name = StringField(
        "Name of the script", [InputRequired("Name it."), Length(max=64)], render_kw={"autocomplete": "off"}
    )
    role = SelectField("Role", [InputRequired()], choices=ROLES)


def tokens_routes(app: Flask, accounts: Accounts) -> None:
    """Add the routes."""
    views = Tokens(accounts)
    add_pages(app, ACTS, tokens=("/tokens", views.tokens), revoke=("/tokens/revoke", views.revoke))


class Tokens:
    """The views."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def tokens(self) -> Any:
        """Show the tokens, and make one."""
        form = NewTokenForm()
        made = None
        if form.validate_on_submit():
            role = Role[form.role.data.upper()]
            try:
                # Shown by this answer alone: a redirect would have to keep it somewhere.
                made = self._accounts.create_token(
                    text_of(form.name), role, by_whom=person().by_whom, why=text_of(form.why)
                )
            except ValueError as error:
                form.name.errors = [f"This cannot be one: {error}."]
        data = {"tokens": self._accounts.tokens(), "made": made, "form": form}
        return show("tokens", data, 201 if made else form_status())

    def revoke(self) -> Any:
        """Revoke a token."""
        token_id = request.args.get("id", type=UUID)
        token = next((row for row in self._accounts.tokens() if row.id == token_id), None)
        if token is None:
            abort(404, "There is no such token.")
        form = WhyForm()
        if not form.validate_on_submit():
            return show("revoke", {"token": token, "form": form}, form_status())
        try:
            self._accounts.revoke_token(token.id, by_whom=person().by_whom, why=text_of(form.why))
        except UnknownError:
            flash(f"The token {token.name} was revoked before.", "warning")
        else:
            flash(f"The token {token.name} is revoked.", "success")
        return go_to("tokens")
