"""The command of the retention policy: it cancels rounds that have been open too long."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine

from wallet_service.cancelling import AnswerNotRecordedError, Canceller, InVainError, ask_in_turn
from wallet_service.cli.arguments import GAME, by_whom, known_currency, reason_option
from wallet_service.cli.database import opened_database
from wallet_service.cli.durations import DurationType
from wallet_service.cli.output import FaultError, console, show
from wallet_service.database import create_read_engine, create_wallet_engine
from wallet_service.ledger.cancellation_reads import StaleRound, cancellation_of, stale_rounds
from wallet_service.ledger.ledger import Ledger, LedgerUnavailableError
from wallet_service.ledger.money import format_money
from wallet_service.lucky_monaco import connect_lucky_monaco
from wallet_service.pace import Pace

__all__ = ["cancel_stale_command"]

SHOWN = 20
STATES_TOLD = ("refunded", "accepted", "overdue", "refused", "unknown", "requested")
ALWAYS_TOLD = {"refunded", "accepted", "refused", "unknown"}


@dataclass
class Run:
    """What was done of a list of rounds."""

    asked: list[StaleRound] = field(default_factory=list)
    impossible: int = 0
    """Rounds that Lucky Monaco could not be asked for."""
    problem: str = ""
    """Why it ended early, if it did."""


@click.command("cancel-stale")
@click.option("--older-than", required=True, type=DurationType(), help="Open for longer than this, such as 24h or 7d.")
@click.option("--game", "game_id", type=GAME, help="Only this game's rounds.")
@click.option("--currency", callback=known_currency, help="Only rounds in this currency.")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1, 100_000), help="At most so many.")
@click.option("--per-minute", default=300, show_default=True, type=click.IntRange(1, 60_000), help="Calls, at most.")
@reason_option("--reason")
@click.option("--dry-run", is_flag=True, help="List the rounds, and ask nobody.")
@click.option("--yes", is_flag=True, help="Do not ask before beginning.")
def cancel_stale_command(
    older_than: timedelta,
    game_id: str | None,
    currency: str | None,
    limit: int,
    per_minute: int,
    reason: str,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Ask Lucky Monaco to void the rounds that have been open too long.

    Stopped and started again, it goes on where it was: what is under way is left alone, and what was asked for in vain
    comes last. Exits with 0 when all were accepted, 1 when some were refused, 2 when it is not known of some.
    """
    settings = opened_database()
    reads = create_read_engine(settings.database_url)  # what is asked for must be there at once: no standby
    before = datetime.now(UTC) - older_than
    with reads.connect() as connection:
        rounds = stale_rounds(connection, opened_before=before, game_id=game_id, currency=currency, limit=limit)
    _list(rounds, before, limit)
    if not rounds or dry_run:
        return
    with connect_lucky_monaco(settings) as lucky_monaco:
        if not yes:
            click.confirm(f"Ask Lucky Monaco to cancel {_number(rounds)}?", abort=True)
        ledger = Ledger(create_wallet_engine(settings.database_url, connections=1))
        canceller = Canceller(ledger, lucky_monaco, settings.refund_overdue_minutes)
        run = _cancel(canceller, rounds, reason, Pace(per_minute))
    states = _states(reads, run.asked)
    told = ", ".join(f"{states[state]} {state}" for state in STATES_TOLD if states[state] or state in ALWAYS_TOLD)
    console.print(f"Asked for {len(run.asked)} of {_number(rounds)}: {told}.", soft_wrap=True)
    if run.problem:
        raise FaultError(f"{run.problem} Run the same command again to go on.")
    sys.exit(2 if states["unknown"] or states["requested"] or run.impossible else 1 if states["refused"] else 0)


def _list(rounds: Sequence[StaleRound], before: datetime, limit: int) -> None:
    show(
        [
            {
                "opened_at": f"{item.opened_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
                "user": item.user_id,
                "round": item.round_id,
                "game": item.game_id,
                "stake": format_money(item.stake),
                "currency": item.currency,
                "asked before": item.state,
            }
            for item in rounds[:SHOWN]
        ],
        as_json=False,
        empty=f"No round is open since before {before:%Y-%m-%d %H:%M:%S} UTC without a cancellation under way.",
    )
    if not rounds:
        return
    stakes: dict[str, Decimal] = {}
    for item in rounds:
        stakes[item.currency] = stakes.get(item.currency, Decimal(0)) + item.stake
    sums = ", ".join(f"{format_money(stake)} {currency}" for currency, stake in sorted(stakes.items()))
    more = f", {SHOWN} of them shown" if len(rounds) > SHOWN else ""
    limited = "; there may be more beyond the limit" if len(rounds) == limit else ""
    console.print(
        f"{_number(rounds)} open since before {before:%Y-%m-%d %H:%M:%S} UTC{more}, with stakes of {sums}{limited}.",
        soft_wrap=True,
    )


def _cancel(canceller: Canceller, rounds: Sequence[StaleRound], reason: str, pace: Pace) -> Run:
    """Ask for one round after the other."""
    run = Run()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        track = progress.track(rounds, description="Asking")
        try:
            for item, asked in ask_in_turn(canceller, track, pace, by_whom=by_whom(), why=reason):
                if isinstance(asked, ValueError):
                    text = f"Not asked for round {item.round_id} of {item.user_id}: {asked}"
                    progress.console.print(text, markup=False, soft_wrap=True)
                    run.impossible += 1
                elif asked.reply is not None:
                    run.asked.append(item)
        except KeyboardInterrupt:
            run.problem = "Interrupted."
        except (LedgerUnavailableError, AnswerNotRecordedError, InVainError) as error:
            run.problem = f"{error}."
    return run


def _states(reads: Engine, asked: Sequence[StaleRound]) -> Counter[str]:
    """Count the cancellations by state, as they stand when all were asked for."""
    states: Counter[str] = Counter()
    with reads.connect() as connection:
        for item in asked:
            record = cancellation_of(connection, item.user_id, item.round_id, None)
            states[record.state if record else "unknown"] += 1
    return states


def _number(rounds: Sequence[StaleRound]) -> str:
    return f"{len(rounds)} round{'' if len(rounds) == 1 else 's'}"
