"""The people of the desk: their accounts, which admins open, change and close. Each change is in the action log."""

from typing import Any

from flask import Flask, abort, flash
from wtforms import BooleanField, PasswordField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from wallet_service.admin.accounts import AccountRow, Accounts, LastAdminError, NameTakenError
from wallet_service.admin.api_tokens import ApiTokens
from wallet_service.admin.forms import ACTS, WhyForm, add_pages, asked_for, form_status, text_of
from wallet_service.admin.guard import person
from wallet_service.admin.identity import MAX_NAME, name_on_records
from wallet_service.admin.pages import go_to, show
from wallet_service.admin.passwords import MAX_PASSWORD, MIN_PASSWORD
from wallet_service.admin.roles import Role

__all__ = ["ROLES", "people_routes"]

ROLES = [(role.label, role.label) for role in Role]
PASSWORD_LENGTH = Length(MIN_PASSWORD, MAX_PASSWORD)
PASSWORD_HINT = f"At least {MIN_PASSWORD} characters."
NEW_PASSWORD = {"autocomplete": "new-password", "minlength": MIN_PASSWORD, "maxlength": MAX_PASSWORD}


class NewAccountForm(WhyForm):
    """Opens an account."""

    name = StringField(
        "Name", [InputRequired("Name somebody."), Length(max=MAX_NAME)], render_kw={"autocomplete": "off"}
    )
    role = SelectField("Role", [InputRequired()], choices=ROLES)
    password = PasswordField(
        "First password",
        [InputRequired("Give one."), PASSWORD_LENGTH],
        description=PASSWORD_HINT,
        render_kw=NEW_PASSWORD,
    )


class ChangeAccountForm(WhyForm):
    """Changes one thing of an account; whatever it is, the account's sessions end."""

    change = RadioField(
        "What",
        [InputRequired("Say which.")],
        choices=[
            ("role", "Give another role"),
            ("password", "Give another password"),
            ("disable", "Disable: may log in no more"),
            ("enable", "Enable again"),
            ("sessions", "Log out everywhere"),
        ],
    )
    role = SelectField("Role", [Optional()], choices=ROLES)
    password = PasswordField(
        "New password", [Optional(), PASSWORD_LENGTH], description=PASSWORD_HINT, render_kw=NEW_PASSWORD
    )

    revoke_tokens = BooleanField("When disabling, revoke the tokens that the account made, too", default=True)

    @property
    def values(self) -> dict[str, Any]:
        """What ``Accounts.change`` is told."""
        match self.change.data:
            case "role":
                return {"role": Role[self.role.data.upper()]}
            case "password":
                return {"password": self.password.data}
            case "disable":
                return {"disabled": True, "revoke_tokens": bool(self.revoke_tokens and self.revoke_tokens.data)}
            case "enable":
                return {"disabled": False}
        return {}  # its sessions end, as they do with every change


def people_routes(app: Flask, accounts: Accounts, tokens: ApiTokens) -> None:
    """Add the routes."""
    views = People(accounts, tokens)
    add_pages(app, ACTS, people=("/accounts", views.people), person_page=("/account", views.person_page))


class People:
    """The views."""

    def __init__(self, accounts: Accounts, tokens: ApiTokens) -> None:
        """Show and change the accounts; ``tokens`` are shown with who made them."""
        self._accounts = accounts
        self._tokens = tokens

    def people(self) -> Any:
        """Show the accounts, and open one."""
        form = NewAccountForm()
        if form.validate_on_submit() and self._opened(form):
            return go_to("people")
        return show("people", {"accounts": self._accounts.all(), "form": form}, form_status())

    def _opened(self, form: NewAccountForm) -> bool:
        name, role = form.name.data or "", Role[form.role.data.upper()]
        try:
            self._accounts.create(name, form.password.data or "", role, by_whom=person().by_whom, why=text_of(form.why))
        except NameTakenError:
            form.name.errors = ["Another account has this name."]
        except ValueError as error:
            form.name.errors = [f"This cannot be one: {error}."]
        else:
            flash(f"{name} may log in as {role.label}.", "success")
            return True
        return False

    def person_page(self) -> Any:
        """Show an account with the tokens it made, and change it."""
        name = asked_for("name")
        account = next((row for row in self._accounts.all() if row.name == name), None)
        if account is None:
            abort(404, f"There is no account {name}.")
        tokens = self._tokens.good_ones_made_by(name_on_records(name))
        form = ChangeAccountForm(data={"role": account.role})
        if not tokens:
            del form.revoke_tokens
        if form.validate_on_submit():
            problem = _problem(account, form) or self._changed(account, form)
            if not problem:
                return go_to("people")
            form.change.errors = [problem]
        return show("person", {"account": account, "tokens": tokens, "form": form}, form_status())

    def _changed(self, account: AccountRow, form: ChangeAccountForm) -> str:
        """Change the account; say why that cannot be, where it cannot."""
        try:
            done = self._accounts.change(account.name, by_whom=person().by_whom, why=text_of(form.why), **form.values)
        except LastAdminError:
            return "This is the last admin; make another one first."
        flash(f"The account of {account.name} is changed; whoever was logged in with it must log in again.", "success")
        if done.revoked_tokens:
            flash(f"Revoked, too: the tokens {', '.join(done.revoked_tokens)}.", "success")
        return ""


def _problem(account: AccountRow, form: ChangeAccountForm) -> str:
    """Say what the form lacks, or why it is not for whoever sends it; nothing where it can be tried."""
    if form.change.data == "password" and not form.password.data:
        return "Give the new password."
    if form.change.data == "role" and not form.role.data:
        return "Say which role."
    takes_away = form.change.data == "disable" or (form.change.data == "role" and form.role.data != Role.ADMIN.label)
    if takes_away and account.name == person().name:
        return "Nobody disables or demotes themselves; ask another admin."
    return ""
