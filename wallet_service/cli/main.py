"""The program: its commands, and how each of them ends."""

import sys
from importlib import import_module

import click
from sqlalchemy.exc import DBAPIError

from wallet_service.addresses import AddressInUseError
from wallet_service.cli.output import FaultError
from wallet_service.ledger.grants import MissingGroupsError
from wallet_service.ledger.ledger import LedgerUnavailableError
from wallet_service.schema import NewerSchemaError
from wallet_service.settings import SettingsError

__all__ = ["main"]


def main() -> None:
    """Run a command; a fault that the operator can mend is one line, not a stack trace."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except (SettingsError, AddressInUseError, LedgerUnavailableError, MissingGroupsError, NewerSchemaError) as error:
        FaultError(str(error)).show()
        sys.exit(FaultError.exit_code)
    except DBAPIError as error:
        FaultError(f"the database refused: {str(error.orig).strip()}").show()
        sys.exit(FaultError.exit_code)


COMMANDS = {
    "serve": "service:serve_command",
    "migrate": "migrate:migrate_command",
    "wallet": "wallets:wallet_group",
    "transactions": "wallets:transactions_command",
    "cancel-round": "cancel_round:cancel_round_command",
    "cancel-stale": "cancel_stale:cancel_stale_command",
    "cancellations": "cancellations:cancellations_command",
    "reviews": "reviews:reviews_group",
    "audit": "audit:audit_command",
    "admin": "admin:admin_group",
    "sandbox": "sandbox:sandbox_command",
    "certify": "certify:certify_command",
    "reconcile": "reconcile:reconcile_command",
    "demo": "service:demo_command",
    "seed": "seed:seed_command",
    "distribute": "distribute:distribute_command",
    "doctor": "doctor:doctor_command",
}
"""Where each command is, in this package."""


class _Commands(click.Group):
    """Commands that are imported when they are called: all of them take a second, which nobody wants to wait for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks so
        """Return the names of all."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click asks so
        """Return a command; ``None`` where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"wallet_service.cli.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find what was typed; of a command that there is not, say which ones are like it.

        Raises:
            click.NoSuchCommand: there is none of that name.

        """
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None


@click.group(cls=_Commands)
@click.version_option(package_name="wallet-service")
def cli() -> None:
    """Run the operator's side of Lucky Monaco's remote wallet. Settings come from WALLET_* variables."""
