"""The people of the desk: their accounts, which admins open, change and close. Each change is in the action log."""

from typing import Any

from flask import Flask, abort, flash
from wtforms import PasswordField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from wallet_service.admin.accounts import MAX_PASSWORD, MIN_PASSWORD, AccountRow, Accounts, NameTakenError
from wallet_service.admin.forms import ACTS, WhyForm, add_pages, asked_for, form_status, text_of
from wallet_service.admin.guard import person
from wallet_service.admin.pages import go_to, show
from wallet_service.admin.roles import Role

__all__ = ["ROLES", "people_routes"]

ROLES = [(role.label, role.label) for role in Role]
PASSWORD_LENGTH = Length(MIN_PASSWORD, MAX_PASSWORD)
PASSWORD_HINT = f"At least {MIN_PASSWORD} characters."
NEW_PASSWORD = {"autocomplete": "new-password", "minlength": MIN_PASSWORD, "maxlength": MAX_PASSWORD}


class NewAccountForm(WhyForm):
    """Opens an account."""

    name = StringField("Name", [InputRequired("Name somebody."), Length(max=64)], render_kw={"autocomplete": "off"})
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

    @property
    def values(self) -> dict[str, Any]:
        """What ``Accounts.change`` is told."""
        changes: dict[str, dict[str, Any]] = {
            "role": {"role": Role[self.role.data.upper()]},
            "password": {"password": self.password.data or ""},
            "disable": {"disabled": True},
            "enable": {"disabled": False},
        }
        return changes.get(self.change.data, {})


def people_routes(app: Flask, accounts: Accounts) -> None:
    """Add the routes."""
    views = People(accounts)
    add_pages(app, ACTS, people=("/accounts", views.people), person_page=("/account", views.person_page))


class People:
    """The views."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def people(self) -> Any:
        """Show the accounts, and open one."""
        form = NewAccountForm()
        if form.validate_on_submit() and self._opened(form):
            return go_to("people")
        return show("people", {"accounts": self._accounts.accounts(), "form": form}, form_status())

    def _opened(self, form: NewAccountForm) -> bool:
        name, role = text_of(form.name), Role[form.role.data.upper()]
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
        """Show an account, and change it."""
        name = asked_for("name")
        everybody = self._accounts.accounts()
        account = next((row for row in everybody if row.name == name), None)
        if account is None:
            abort(404, f"There is no account {name}.")
        form = ChangeAccountForm(data={"role": account.role})
        if form.validate_on_submit():
            problem = _problem(account, form, everybody)
            if not problem:
                self._accounts.change(name, by_whom=person().by_whom, why=text_of(form.why), **form.values)
                flash(f"The account of {name} is changed; whoever was logged in with it must log in again.", "success")
                return go_to("people")
            form.change.errors = [problem]
        return show("person", {"account": account, "form": form}, form_status())


def _problem(account: AccountRow, form: ChangeAccountForm, everybody: list[AccountRow]) -> str:
    """Say why the change cannot be made; nothing where it can."""
    if form.change.data == "password" and not form.password.data:
        return "Give the new password."
    if form.change.data != "disable" and not (form.change.data == "role" and form.role.data != Role.ADMIN.label):
        return ""
    if not person().is_script and account.name == person().name:
        return "Nobody disables or demotes themselves; ask another admin."
    others = [row for row in everybody if row.name != account.name]
    if not any(row.role == Role.ADMIN.label and row.disabled_at is None for row in others):
        return "This is the last admin; make another one first."
    return ""
