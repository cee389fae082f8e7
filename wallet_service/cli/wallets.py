"""Commands about players' money: their wallets, and the log of what moved."""

from typing import Literal

import click

from wallet_service.cli.arguments import ROUND, USER, by_whom, known_currency, reason_option
from wallet_service.cli.database import apply_call, reading
from wallet_service.cli.output import as_json_option, show
from wallet_service.ledger.calls import OpenWalletByHand, SetPlayerState
from wallet_service.ledger.money import ZERO, format_money, parse_money
from wallet_service.ledger.outcomes import Outcome
from wallet_service.ledger.reads import transactions_of, wallets_of

__all__ = ["transactions_command", "wallet_group"]

OPENED = "the wallet was opened with this balance"
"""Why, in the action log."""


@click.group("wallet")
def wallet_group() -> None:
    """Open and look at players' wallets."""


@wallet_group.command("open")
@click.argument("user", type=USER)
@click.argument("currency", callback=known_currency)
@click.option("--balance", default="0", show_default=True, help="The opening balance, such as 1000.00.")
def wallet_open(user: str, currency: str, balance: str) -> None:
    """Open USER's wallet in CURRENCY, and the player with the first one. Money in it is in the action log."""
    try:
        opening_balance = parse_money(balance)
    except ValueError as error:
        raise click.BadParameter(f"{balance!r}: {error}", param_hint="--balance") from None
    receipt = apply_call(OpenWalletByHand(user, currency, opening_balance, by_whom(), OPENED))
    amount = f"{format_money(receipt.balance or ZERO)} {currency}"
    if receipt.outcome is not Outcome.APPLIED:
        raise click.ClickException(f"{user} already has a {currency} wallet; it holds {amount}")
    click.echo(f"Opened a wallet for {user} with {amount}.")


@wallet_group.command("show")
@click.argument("user", type=USER)
@as_json_option
def walletshow(user: str, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show USER's wallets."""
    with reading() as connection:
        wallets = wallets_of(connection, user)
    if not wallets:
        raise click.ClickException(f"no player {user!r}")
    show(
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
    receipt = apply_call(SetPlayerState(user, state, by_whom=by_whom(), why=reason))
    if receipt.outcome is Outcome.PLAYER_UNKNOWN:
        raise click.ClickException(f"no player {user!r}")
    click.echo(f"{user} is {'now' if receipt.outcome is Outcome.APPLIED else 'already'} {done}.")


@wallet_group.command("freeze")
@click.argument("user", type=USER)
@reason_option("--reason")
def wallet_freeze(user: str, reason: str) -> None:
    """Refuse USER's bets from now on. Refunds, cancels and wins are still taken."""
    _set_state(user, "frozen", reason, "frozen")


@wallet_group.command("unfreeze")
@click.argument("user", type=USER)
@reason_option("--reason")
def wallet_unfreeze(user: str, reason: str) -> None:
    """Take USER's bets again."""
    _set_state(user, "active", reason, "active")


@click.command("transactions")
@click.option("--user", type=USER, help="Only this player's.")
@click.option("--round", "round_id", type=ROUND, help="Only this round's.")
@as_json_option
def transactions_command(user: str | None, round_id: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Show the transaction log of a player, of a round, or of a player's part in a round."""
    if user is None and round_id is None:
        raise click.UsageError("name a --user, a --round, or both")
    with reading() as connection:
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
    show(rows, as_json=as_json, empty="No transactions.")
