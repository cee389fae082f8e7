"""Commands about the rounds that wait for a person's decision."""

import json
from typing import Literal

import click

from wallet_service.cli.arguments import REFERENCE, ROUND, USER, by_whom, reason_option
from wallet_service.cli.database import apply_call, reading
from wallet_service.cli.output import as_json_option, show
from wallet_service.ledger.calls import DecideReview
from wallet_service.ledger.money import ZERO, format_money
from wallet_service.ledger.outcomes import Outcome
from wallet_service.ledger.reads import open_reviews

__all__ = ["reviews_group"]


@click.group("reviews")
def reviews_group() -> None:
    """Look at the rounds that wait for a decision, and decide."""


@reviews_group.command("list")
@click.option("--user", type=USER, help="Only this player's.")
@as_json_option
def reviews_list(user: str | None, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Show the open reviews, the oldest first."""
    with reading() as connection:
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
    show(rows, as_json=as_json, empty="No round waits for a decision.")


@reviews_group.command("decide")
@click.argument("user", type=USER)
@click.argument("round_id", metavar="ROUND", type=ROUND)
@click.argument("review_reason", metavar="REASON", type=REFERENCE)
@click.option("--reference", type=REFERENCE, help="The review's reference, where it has one.")
@click.option("--refund", "decision", flag_value="refund", help="Refund the round whole; its wins are taken back.")
@click.option("--leave", "decision", flag_value="leave", help="Leave the round as it is.")
@reason_option("--why")
def reviews_decide(
    user: str,
    round_id: str,
    review_reason: str,
    reference: str | None,
    decision: Literal["refund", "leave"] | None,
    why: str,
) -> None:
    """Decide the review of USER's ROUND that was opened for REASON."""
    if decision is None:
        raise click.UsageError("say --refund or --leave")
    sent = json.dumps({"by": by_whom(), "why": why})
    receipt = apply_call(DecideReview(user, round_id, review_reason, reference or "", decision, by_whom(), why, sent))
    if receipt.outcome is Outcome.REVIEW_UNKNOWN:
        raise click.ClickException("no such review is open; see: wallet-service reviews list")
    if receipt.outcome is not Outcome.APPLIED:
        raise click.ClickException(f"not done: {receipt.outcome.value}")
    if decision == "leave":
        click.echo("Left as it is.")
    else:
        amount = f"{format_money(receipt.balance or ZERO)} {receipt.currency}"
        click.echo(f"Refunded by {receipt.transaction_id}; {user} has {amount} now.")
