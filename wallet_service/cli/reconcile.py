"""The command that compares the wallet's rounds with Lucky Monaco's."""

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import get_args

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine

from wallet_service.cli.database import opened_database
from wallet_service.cli.difference_formats import DifferenceFormat, DifferencePrinter
from wallet_service.cli.durations import DurationType, TimeType
from wallet_service.cli.output import FaultError
from wallet_service.database import create_read_engine, create_wallet_engine
from wallet_service.ledger.calls import QueueReview
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.outcomes import Outcome
from wallet_service.ledger.reconciliations import record_reconciliation
from wallet_service.lucky_monaco import LuckyMonacoError, connect_lucky_monaco
from wallet_service.pace import Pace
from wallet_service.reconcile.differences import Difference
from wallet_service.reconcile.history import History, NotWholeError
from wallet_service.reconcile.reconciliation import Reconciliation, Summary
from wallet_service.settings import Settings

__all__ = ["reconcile_command"]

MAX_ROUND_ID = 36
"""Characters (contract, section 3)."""
SPEED_OVER_S = 3600
"""Portions may be minutes apart: the time left is told from so many seconds of them."""


def _period(start: datetime, end: datetime | None, settings: Settings) -> tuple[datetime, datetime, datetime]:
    """Return the start, the end, which is not in the future, and how far back Lucky Monaco answers."""
    now = datetime.now(UTC).replace(microsecond=0)
    end = min(end or now, now)
    if start >= end:
        raise click.BadParameter("must be before --to, and in the past", param_hint="--from")
    oldest = now - timedelta(days=settings.history_days, minutes=1)  # the command takes a moment to begin
    if start < oldest:
        days = f"{settings.history_days} days (WALLET_HISTORY_DAYS)"
        raise click.BadParameter(f"Lucky Monaco answers for the last {days} only", param_hint="--from")
    return start, end, oldest


@click.command("reconcile")
@click.option(
    "--from", "start", required=True, type=TimeType(), help="ISO 8601, in UTC unless it says, or 24h for ago."
)
@click.option("--to", "end", type=TimeType(), help="As --from; until just before it. Now, where it is not given.")
@click.option(
    "--stuck-after",
    type=DurationType(),
    default="24h",
    show_default=True,
    help="How long Lucky Monaco may take to finish a round.",
)
@click.option("--to-reviews", is_flag=True, help="Put what differs into the review queue.")
@click.option("--format", "form", type=click.Choice(get_args(DifferenceFormat)), default="table", show_default=True)
def reconcile_command(
    start: datetime, end: datetime | None, stuck_after: timedelta, form: DifferenceFormat, *, to_reviews: bool
) -> None:
    """Compare the rounds of a period with Lucky Monaco's. Exits with 1 and names each difference. Moves no money."""
    settings = Settings.load()
    start, end, oldest = _period(start, end, settings)
    opened = opened_database()
    engine = create_wallet_engine(opened.database_url, connections=1)
    ledger = Ledger(engine)
    queued: Counter[Outcome] = Counter()
    with connect_lucky_monaco(settings) as lucky_monaco:
        history = History(lucky_monaco, Pace(settings.history_calls_per_minute))
        reconciliation = Reconciliation(
            history,
            create_read_engine(opened.database_url),  # on a standby that is behind, rounds of now would be missing
            start,
            end,
            portion=timedelta(minutes=settings.history_portion_minutes),
            oldest=oldest,
            stuck_after=stuck_after,
        )
        printer = DifferencePrinter(form)

        try:
            with _progress(form) as progress:
                task = progress.add_task("Portions", total=reconciliation.portions)
                for difference in reconciliation.differences(lambda: progress.advance(task)):
                    printer.add(difference)
                    if to_reviews:
                        queued[_queue(ledger, difference)] += 1
        except (LuckyMonacoError, NotWholeError) as error:
            raise FaultError(f"Lucky Monaco's rounds cannot be read: {error}") from None
        finally:
            summary = reconciliation.summary
            printer.finish(summary, calls=history.calls, finished=summary.done_to == end)
            if to_reviews:
                click.echo(
                    f"Into the review queue: {queued[Outcome.APPLIED]} new, {queued[Outcome.REPLAYED]} known there, "
                    f"{queued[Outcome.PLAYER_UNKNOWN]} left out, as the wallet does not know the player, "
                    f"{queued[Outcome.INVALID_PARAMETER]} as it cannot have such a round.",
                    err=True,
                )
            if summary.done_to < end:
                click.echo(f"Go on with --from {summary.done_to.isoformat()}", err=True)
            _record(engine, start, summary)
    if summary.differences:
        sys.exit(1)


def _record(engine: Engine, start: datetime, summary: Summary) -> None:
    """Keep how far was compared, be it the whole period or not."""
    if summary.done_to > start:
        engine.dispose()  # what was queued hours ago left a connection behind that need not be alive
        with engine.connect() as connection:
            record_reconciliation(
                connection,
                start,
                summary.done_to,
                rounds_here=summary.rounds_here,
                rounds_there=summary.rounds_there,
                differences=summary.differences.total(),
            )


def _queue(ledger: Ledger, difference: Difference) -> Outcome:
    """Put a difference into the review queue, unless nobody could ever decide about such a round."""
    if len(difference.round_id) > MAX_ROUND_ID:
        return Outcome.INVALID_PARAMETER
    review = QueueReview(
        difference.user_id, difference.currency, difference.round_id, "reconciliation", difference.kind.value
    )
    return ledger.apply(review).outcome


def _progress(form: DifferenceFormat) -> Progress:
    """Return a progress bar with the time left, shown on a terminal, unless differences are printed there as found."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        speed_estimate_period=SPEED_OVER_S,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=not console.is_terminal or (form != "table" and sys.stdout.isatty()),
    )
