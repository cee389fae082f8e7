"""The program: its commands, and how each of them ends."""

import sys

import click
from sqlalchemy.exc import DBAPIError

from wallet_service.addresses import AddressInUseError
from wallet_service.cli.admin import admin_group
from wallet_service.cli.audit import audit_command
from wallet_service.cli.cancel_round import cancel_round_command
from wallet_service.cli.cancel_stale import cancel_stale_command
from wallet_service.cli.cancellations import cancellations_command
from wallet_service.cli.certify import certify_command
from wallet_service.cli.distribute import distribute_command
from wallet_service.cli.doctor import doctor_command
from wallet_service.cli.output import FaultError
from wallet_service.cli.reconcile import reconcile_command
from wallet_service.cli.reviews import reviews_group
from wallet_service.cli.sandbox import sandbox_command
from wallet_service.cli.seed import seed_command
from wallet_service.cli.service import demo_command, migrate_command, serve_command
from wallet_service.cli.wallets import transactions_command, wallet_group
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


@click.group()
@click.version_option(package_name="wallet-service")
def cli() -> None:
    """Run the operator's side of Lucky Monaco's remote wallet. Settings come from WALLET_* variables."""


for command in (
    serve_command,
    migrate_command,
    wallet_group,
    transactions_command,
    cancel_round_command,
    cancel_stale_command,
    cancellations_command,
    reviews_group,
    audit_command,
    admin_group,
    sandbox_command,
    certify_command,
    reconcile_command,
    demo_command,
    seed_command,
    distribute_command,
    doctor_command,
):
    cli.add_command(command)
