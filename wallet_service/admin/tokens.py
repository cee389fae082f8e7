"""The tokens of scripts: made and shown once, and revoked."""

from typing import Any
from uuid import UUID

from flask import Flask, abort, flash, request
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from wallet_service.admin.api_tokens import ApiTokens, TokenNameTakenError, UnknownTokenError
from wallet_service.admin.forms import ACTS, WhyForm, add_pages, form_status, text_of
from wallet_service.admin.guard import person
from wallet_service.admin.identity import MAX_NAME
from wallet_service.admin.pages import go_to, show
from wallet_service.admin.people import ROLES
from wallet_service.admin.roles import Role

__all__ = ["tokens_routes"]


class NewTokenForm(WhyForm):
    """Makes a token."""

    name = StringField(
        "Name of the script", [InputRequired("Name it."), Length(max=MAX_NAME)], render_kw={"autocomplete": "off"}
    )
    role = SelectField("Role", [InputRequired()], choices=ROLES)


def tokens_routes(app: Flask, tokens: ApiTokens) -> None:
    """Add the routes."""
    views = Tokens(tokens)
    add_pages(app, ACTS, tokens=("/tokens", views.tokens), revoke=("/tokens/revoke", views.revoke))


class Tokens:
    """The views."""

    def __init__(self, tokens: ApiTokens) -> None:
        """Show, make and revoke these."""
        self._tokens = tokens

    def tokens(self) -> Any:
        """Show the tokens, and make one."""
        form = NewTokenForm()
        made = None
        if form.validate_on_submit():
            role = Role[form.role.data.upper()]
            try:
                # Shown by this answer alone: a redirect would have to keep it somewhere.
                made = self._tokens.create(form.name.data or "", role, by_whom=person().by_whom, why=text_of(form.why))
            except TokenNameTakenError:
                form.name.errors = ["Another token has this name. Revoke that one first, or give another name."]
            except ValueError as error:
                form.name.errors = [f"This cannot be one: {error}."]
        data = {"tokens": self._tokens.all(), "made": made, "form": form}
        return show("tokens", data, 201 if made else form_status())

    def revoke(self) -> Any:
        """Revoke a token."""
        token_id = request.args.get("id", type=UUID)
        token = next((row for row in self._tokens.all() if row.id == token_id), None)
        if token is None:
            abort(404, "There is no such token.")
        form = WhyForm()
        if not form.validate_on_submit():
            return show("revoke", {"token": token, "form": form}, form_status())
        try:
            self._tokens.revoke(token.id, by_whom=person().by_whom, why=text_of(form.why))
        except UnknownTokenError:
            flash(f"The token {token.name} was revoked before.", "warning")
        else:
            flash(f"The token {token.name} is revoked.", "success")
        return go_to("tokens")
