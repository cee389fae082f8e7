"""Commands about the desk: who may log in, and which scripts may read."""

from uuid import UUID

import click
from sqlalchemy import Engine

from wallet_service.admin.accounts import Accounts, NameTakenError, UnknownError
from wallet_service.admin.api_tokens import ApiTokens, TokenNameTakenError, UnknownTokenError
from wallet_service.admin.roles import Role
from wallet_service.cli.arguments import by_whom, reason_option
from wallet_service.cli.database import opened_database
from wallet_service.cli.output import as_json_option, show
from wallet_service.database import create_desk_engine

__all__ = ["admin_group"]

role_option = click.option(
    "--role",
    type=click.Choice([role.label for role in Role]),
    default=Role.VIEWER.label,
    show_default=True,
    callback=lambda _context, _option, label: Role[label.upper()],
    help="What they may do.",
)
password_option = click.option(
    "--password", prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for, unless it is given here."
)


def _engine() -> Engine:
    return create_desk_engine(opened_database().database_url, 1, read_only=False)


def _accounts() -> Accounts:
    return Accounts(_engine())


def _tokens() -> ApiTokens:
    return ApiTokens(_engine())


@click.group("admin")
def admin_group() -> None:
    """Manage the accounts and tokens of the desk at /admin."""


@admin_group.command("create")
@click.argument("name")
@role_option
@password_option
def admin_create(name: str, role: Role, password: str) -> None:
    """Open an account for NAME."""
    try:
        _accounts().create(name, password, role, by_whom=by_whom(), why="created on the command line")
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except NameTakenError:
        raise click.ClickException(f"there is an account {name!r} already") from None
    click.echo(f"{name} may log in as {role.label}.")


@admin_group.command("password")
@click.argument("name")
@password_option
def admin_password(name: str, password: str) -> None:
    """Give NAME another password. Every session of theirs ends."""
    try:
        _accounts().change(name, by_whom=by_whom(), why="password changed on the command line", password=password)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except UnknownError:
        raise click.ClickException(f"no account {name!r}") from None
    click.echo(f"{name} has another password, and must log in again.")


@admin_group.command("disable")
@click.argument("name")
@reason_option("--reason")
@click.option("--keep-tokens", is_flag=True, help="Leave the tokens good that NAME made at the desk.")
def admin_disable(name: str, reason: str, *, keep_tokens: bool) -> None:
    """Let NAME in no more. Every session of theirs ends, and the tokens that they made at the desk are revoked."""
    try:
        done = _accounts().change(
            name,
            by_whom=by_whom(),
            why=reason,
            disabled=True,
            revoke_tokens=not keep_tokens,
            may_leave_no_admin=True,  # whoever is here can make another one
        )
    except UnknownError:
        raise click.ClickException(f"no account {name!r}") from None
    click.echo(f"{name} may log in no more.")
    for token in done.revoked_tokens:
        click.echo(f"The token {token} is revoked.")
    if not done.admins:
        click.echo("There is no admin now. Make one with: wallet-service admin create NAME --role admin")


@admin_group.command("list")
@as_json_option
def admin_list(*, as_json: bool) -> None:
    """Show the accounts."""
    rows = [
        {"name": row.name, "role": row.role, "created_at": row.created_at, "disabled_at": row.disabled_at}
        for row in _accounts().all()
    ]
    show(rows, as_json=as_json, empty="No accounts. Open one with: wallet-service admin create NAME --role admin")


@admin_group.group("token")
def token_group() -> None:
    """Manage the tokens of scripts."""


@token_group.command("create")
@click.argument("name")
@role_option
def token_create(name: str, role: Role) -> None:
    """Make a token for the script NAME, and show it this once."""
    try:
        token = _tokens().create(name, role, by_whom=by_whom(), why="created on the command line")
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except TokenNameTakenError:
        raise click.ClickException(
            f"there is a token {name!r} already; revoke it first, or give another name"
        ) from None
    click.echo(token)


@token_group.command("revoke")
@click.argument("token_id", metavar="ID", type=click.UUID)
@reason_option("--reason")
def token_revoke(token_id: UUID, reason: str) -> None:
    """End a token for ever."""
    try:
        _tokens().revoke(token_id, by_whom=by_whom(), why=reason)
    except UnknownTokenError:
        raise click.ClickException("no such token, or it was revoked before") from None
    click.echo("Revoked.")


@token_group.command("list")
@as_json_option
def token_list(*, as_json: bool) -> None:
    """Show the tokens by name and id; what they are is kept nowhere."""
    rows = [
        {
            "name": row.name,
            "role": row.role,
            "created_by": row.created_by,
            "created_at": row.created_at,
            "revoked_at": row.revoked_at,
            "id": row.id,
        }
        for row in _tokens().all()
    ]
    show(rows, as_json=as_json, empty="No tokens.")
