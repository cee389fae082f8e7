"""The command line: thin commands over the service's parts."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from getpass import getuser
from time import perf_counter
from typing import Literal

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from wallet_service import schema
from wallet_service.database import create_read_engine, create_wallet_engine
from wallet_service.demo import run_demo
from wallet_service.embedded import connect_embedded
from wallet_service.ledger.audit import audit as audit_ledger
from wallet_service.ledger.calls import Call, DecideReview, OpenWallet, SetPlayerState
from wallet_service.ledger.ledger import Ledger, LedgerUnavailableError
from wallet_service.ledger.money import ZERO, format_money, parse_money
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.ledger.reads import open_reviews, transactions_of, wallets_of
from wallet_service.serving import AddressInUseError, serve
from wallet_service.settings import Settings, SettingsError

__all__ = ["main"]

MAX_USER_ID = 32

console = Console(highlight=False)
WIDE = Console(width=1000)


class FaultError(click.ClickException):
    """The command could not do its work; what it was asked about is not the reason."""

    exit_code = 2


def main() -> None:
    """Run a command; a fault that the operator can mend is one line, not a stack trace."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except (SettingsError, AddressInUseError, LedgerUnavailableError, schema.NewerSchemaError) as error:
        FaultError(str(error)).show()
        sys.exit(FaultError.exit_code)
    except DBAPIError as error:
        FaultError(f"the database refused: {str(error.orig).strip()}").show()
        sys.exit(FaultError.exit_code)


@click.group()
@click.version_option(package_name="wallet-service")
def cli() -> None:
    """Run the operator's side of Lucky Monaco's remote wallet. Settings come from WALLET_* variables."""


def _database() -> Settings:
    """Return settings whose database is up and has the schema this release needs."""
    settings = schema.prepare_database(Settings.load())
    problem = schema.schema_problem(create_read_engine(settings.database_url))
    if problem:
        raise FaultError(problem)
    return settings


def _apply(call: Call) -> Receipt:
    engine = create_wallet_engine(_database().database_url, connections=1)
    return Ledger(engine).apply(call)


@contextmanager
def _reading() -> Iterator[Connection]:
    with create_read_engine(_database().database_url).connect() as connection:
        yield connection


def _show(rows: Sequence[Mapping[str, object]], *, as_json: bool, empty: str) -> None:
    if as_json:
        click.echo(json.dumps(rows, default=str, indent=2))
    elif not rows:
        console.print(empty)
    else:
        table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        for name, value in rows[0].items():
            table.add_column(name.replace("_", " "), justify="right" if _is_number(value) else "left", no_wrap=True)
        for row in rows:
            table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
        # Ids are for copying: a line longer than the terminal wraps there, and is never cut.
        width = console.measure(table, options=WIDE.options).maximum
        Console(width=max(width, console.width)).print(table)


def _is_number(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and value.replace(".", "").lstrip("-").isdecimal())


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@cli.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes; one a CPU core.")
def serve_command(host: str, port: int, workers: int) -> None:
    """Serve the wallet. The embedded database migrates itself; an external one must be at head."""
    Settings.load().require_secrets()
    settings = _database()
    serve(
        settings,
        host,
        port,
        workers,
        on_listening=lambda: click.echo(f"wallet_service listens on http://{host}:{port}", err=True),
    )


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database to this release's schema."""
    settings = connect_embedded(Settings.load())
    click.echo(f"The database is at {schema.migrate(settings.database_url)}.")


@cli.group("wallet")
def wallet_group() -> None:
    """Open and look at players' wallets."""


@wallet_group.command("open")
@click.argument("user")
@click.argument("currency")
@click.option("--balance", default="0", show_default=True, help="The opening balance, such as 1000.00.")
def wallet_open(user: str, currency: str, balance: str) -> None:
    """Open USER's wallet in CURRENCY, and the player with the first one."""
    if not user.isprintable() or not 1 <= len(user.strip()) <= len(user) <= MAX_USER_ID:
        raise click.BadParameter(f"must be 1 to {MAX_USER_ID} printable characters", param_hint="USER")
    if currency not in Settings.load().currencies:
        raise click.BadParameter("must be a code of ISO 4217 or of WALLET_EXTRA_CURRENCIES", param_hint="CURRENCY")
    try:
        opening_balance = parse_money(balance)
    except ValueError as error:
        raise click.BadParameter(f"{balance!r}: {error}", param_hint="--balance") from None
    receipt = _apply(OpenWallet(user, currency, opening_balance))
    amount = f"{format_money(receipt.balance or ZERO)} {currency}"
    if receipt.outcome is not Outcome.APPLIED:
        raise click.ClickException(f"{user} already has a {currency} wallet; it holds {amount}")
    click.echo(f"Opened a wallet for {user} with {amount}.")


@wallet_group.command("show")
@click.argument("user")
@as_json_option
def wallet_show(user: str, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show USER's wallets."""
    with _reading() as connection:
        wallets = wallets_of(connection, user)
    if not wallets:
        raise click.ClickException(f"no player {user!r}")
    _show(
        [
            {
                "user": wallet.user_id,
                "state": wallet.state,
                "currency": wallet.currency,
                "balance": format_money(wallet.balance),
                "opening_balance": format_money(wallet.opening_balance),
                "transactions": wallet.transactions,
            }
            for wallet in wallets
        ],
        as_json=as_json,
        empty="",
    )


def _set_state(user: str, state: Literal["active", "frozen"], reason: str, done: str) -> None:
    if not reason.strip():
        raise click.BadParameter("must say why", param_hint="--reason")
    receipt = _apply(SetPlayerState(user, state, by_whom=f"cli:{getuser()}", why=reason))
    if receipt.outcome is Outcome.PLAYER_UNKNOWN:
        raise click.ClickException(f"no player {user!r}")
    click.echo(f"{user} is {'now' if receipt.outcome is Outcome.APPLIED else 'already'} {done}.")


@wallet_group.command("freeze")
@click.argument("user")
@click.option("--reason", required=True, help="Why; kept for ever.")
def wallet_freeze(user: str, reason: str) -> None:
    """Refuse USER's bets from now on. Refunds, cancels and wins are still taken."""
    _set_state(user, "frozen", reason, "frozen")


@wallet_group.command("unfreeze")
@click.argument("user")
@click.option("--reason", required=True, help="Why; kept for ever.")
def wallet_unfreeze(user: str, reason: str) -> None:
    """Take USER's bets again."""
    _set_state(user, "active", reason, "active")


@cli.command("transactions")
@click.option("--user", help="Only this player's.")
@click.option("--round", "round_id", help="Only this round's.")
@as_json_option
def transactions_command(user: str | None, round_id: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Show the transaction log of a player, of a round, or of a player's part in a round."""
    if user is None and round_id is None:
        raise click.UsageError("name a --user, a --round, or both")
    with _reading() as connection:
        rows = [
            {
                "at": row.at.isoformat(timespec="milliseconds"),
                "call": row.call,
                "amount": format_money(row.amount),
                "balance": format_money(row.balance),
                "currency": row.currency,
                "user": row.user_id,
                "round": row.round_id,
                "reference": row.reference,
                "id": str(row.id),
            }
            for row in transactions_of(connection, user_id=user, round_id=round_id)
        ]
    _show(rows, as_json=as_json, empty="No transactions.")


@cli.group("reviews")
def reviews_group() -> None:
    """Look at the rounds that wait for a decision, and decide."""


@reviews_group.command("list")
@click.option("--user", help="Only this player's.")
@as_json_option
def reviews_list(user: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Show the open reviews, the oldest first."""
    with _reading() as connection:
        rows = [
            {
                "opened_at": row.opened_at.isoformat(timespec="milliseconds"),
                "user": row.user_id,
                "round": row.round_id,
                "reason": row.reason,
                "reference": row.reference,
                "currency": row.currency,
            }
            for row in open_reviews(connection, user_id=user)
        ]
    _show(rows, as_json=as_json, empty="No round waits for a decision.")


@reviews_group.command("decide")
@click.argument("user")
@click.argument("round_id", metavar="ROUND")
@click.argument("review_reason", metavar="REASON")
@click.option("--reference", default="", help="The review's reference, where it has one.")
@click.option("--refund", "decision", flag_value="refund", help="Refund the round whole; its wins are taken back.")
@click.option("--leave", "decision", flag_value="leave", help="Leave the round as it is.")
@click.option("--why", required=True, help="Why; kept for ever.")
def reviews_decide(
    user: str, round_id: str, review_reason: str, reference: str, decision: Literal["refund", "leave"] | None, why: str
) -> None:
    """Decide the review of USER's ROUND that was opened for REASON."""
    if decision is None:
        raise click.UsageError("say --refund or --leave")
    if not why.strip():
        raise click.BadParameter("must say why", param_hint="--why")
    by_whom = f"cli:{getuser()}"
    sent = json.dumps({"by": by_whom, "why": why})
    receipt = _apply(DecideReview(user, round_id, review_reason, reference, decision, by_whom, why, sent))
    if receipt.outcome is Outcome.REVIEW_UNKNOWN:
        raise click.ClickException("no such review is open; see: wallet-service reviews list")
    if receipt.outcome is not Outcome.APPLIED:
        raise click.ClickException(f"not done: {receipt.outcome.value}")
    if decision == "leave":
        click.echo("Left as it is.")
    else:
        amount = f"{format_money(receipt.balance or ZERO)} {receipt.currency}"
        click.echo(f"Refunded by {receipt.transaction_id}; {user} has {amount} now.")


@cli.command("audit")
@as_json_option
def audit_command(as_json: bool) -> None:  # noqa: FBT001 - as above
    """Prove from the data alone that the money is right. Exits with 1 and names each violation where it is not."""
    with _reading() as connection:
        started = perf_counter()
        report = audit_ledger(connection)
        seconds = perf_counter() - started
    checked = sum(report.rows.values())
    if as_json:
        findings = [
            {"check": item.check, "user": item.user_id, "subject": item.subject, "detail": item.detail}
            for item in report.findings
        ]
        click.echo(json.dumps({"rows": report.rows, "seconds": round(seconds, 3), "violations": findings}, indent=2))
    else:
        for item in report.findings:
            click.echo(f"VIOLATION {item.check}: player {item.user_id}, {item.subject}: {item.detail}")
        counts = ", ".join(f"{number} {table}" for table, number in report.rows.items())
        console.print(
            f"Checked {checked} rows ({counts}) in {seconds:.2f} s, {checked / seconds:,.0f} rows/s.", soft_wrap=True
        )
        if not report.findings:
            console.print(
                "[green]Clean:[/] every balance is its opening balance plus its transactions; "
                "no round is refunded twice or beyond its stakes; nothing is negative.",
                soft_wrap=True,
            )
    if report.findings:
        sys.exit(1)


@cli.command("demo")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
def demo_command(host: str, port: int) -> None:
    """Set up a demo player with an open round, print what to paste, and serve."""
    run_demo(Settings.load(), host, port, console)
