"""The command that lists what Lucky Monaco was asked to void."""

from datetime import UTC, datetime, timedelta

import click

from wallet_service.cli.arguments import GAME, ROUND, USER
from wallet_service.cli.database import reading
from wallet_service.cli.durations import DurationType
from wallet_service.cli.output import as_json_option, show
from wallet_service.ledger.cancellation_reads import STATES, cancellations_of

__all__ = ["cancellations_command"]

IN_THE_TABLE = ("requested_at", "state", "user", "round", "game", "by", "why", "attempts", "answer")
"""The rest is in the JSON: a line of a terminal has its limits."""


@click.command("cancellations")
@click.option("--user", type=USER, help="Only this player's.")
@click.option("--round", "round_id", type=ROUND, help="Only this round's.")
@click.option("--game", "game_id", type=GAME, help="Only this game's.")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--within", type=DurationType(), help="Only those asked for within, say, 24h or 7d.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@as_json_option
def cancellations_command(
    user: str | None,
    round_id: str | None,
    game_id: str | None,
    state: str | None,
    within: timedelta | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Show cancellations, the newest first: who asked, why, what came of it, and when the Refund came."""
    with reading() as connection:
        found = cancellations_of(
            connection,
            user_id=user,
            round_id=round_id,
            game_id=game_id,
            state=state,
            since=datetime.now(UTC) - within if within else None,
            limit=limit,
        )
    rows = [
        {
            "requested_at": _time(row.requested_at),
            "asked_at": _time(row.asked_at),
            "state": row.state,
            "user": row.user_id,
            "round": row.round_id,
            "game": row.game_id,
            "by": row.by_whom,
            "why": row.why,
            "attempts": row.attempts,
            "answer": " ".join(filter(None, (row.code, row.message))) or None,
            "answered_at": _time(row.answered_at),
            "due_at": _time(row.due_at),
            "refunded_at": _time(row.refunded_at),
            "refund": str(row.refund_id) if row.refund_id else None,
        }
        for row in found
    ]
    if not as_json:
        rows = [{name: row[name] for name in IN_THE_TABLE} for row in rows]
        rows = [row | {"round": row["round"] or "(every open one)"} for row in rows]
    show(rows, as_json=as_json, empty="No cancellations.")


def _time(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat(timespec="seconds") if time else None
