"""Fault runs: ``make chaos``.

They end with 1 where the wallet broke a promise, with 2 where they fell short of what they were to reach, and with 3
where the harness itself failed.
"""

import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from time import monotonic

import click

from tests.chaos.broken import BUILDS
from tests.chaos.history import History, Options, read_options
from tests.chaos.plan import KINDS
from tests.chaos.run import Verdict, run

LONG_REFUNDS, LONG_FAULTS, LONG_SECONDS = 100_000, 500, 3600.0
LONG_QUIET = 2.5
HARNESS_FAILED = 3
SHOWN, LINES_SHOWN = 20, 12
"""Violations on the terminal; the history has them all."""


@click.command()
@click.option("--seed", default="", help="Decides faults and rounds.  [default: another one each time]")
@click.option(
    "--seconds", default=30.0, show_default=True, type=click.FloatRange(1), help="Of load and faults, at most."
)
@click.option("--refunds", default=0, type=click.IntRange(0), help="End once so many refunds are acknowledged.")
@click.option("--faults", default=0, type=click.IntRange(0), help="End once so many faults were made.")
@click.option(
    "--long", is_flag=True, help=f"{LONG_REFUNDS} refunds and {LONG_FAULTS} faults, in {LONG_SECONDS:g} s at most."
)
@click.option(
    "--actors", default=8, show_default=True, type=click.IntRange(1, 64), help="Callers, with 6 connections each."
)
@click.option("--quiet", default=1.0, type=click.FloatRange(0.1), help="So many times the planned time between faults.")
@click.option(
    "--only", multiple=True, type=click.Choice(list(KINDS)), help="Only faults of this kind; may be repeated."
)
@click.option("--broken", multiple=True, type=click.Choice(BUILDS), help="Break the build so; may be repeated.")
@click.option(
    "--history", "history_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the history there."
)
@click.option(
    "--replay", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Make a history's run again."
)
def main(
    *,
    seed: str,
    seconds: float,
    refunds: int,
    faults: int,
    long: bool,
    actors: int,
    quiet: float,
    only: tuple[str, ...],
    broken: tuple[str, ...],
    history_path: Path | None,
    replay: Path | None,
) -> None:
    """Run the wallet under load and faults, and judge it by what it acknowledged."""
    if long:
        seconds, refunds, faults, quiet = LONG_SECONDS, LONG_REFUNDS, LONG_FAULTS, LONG_QUIET
    options = Options(seed or token_hex(4), seconds, refunds, faults, actors, quiet, broken, only)
    if replay:
        try:
            options = read_options(replay)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"seed {options.seed}")
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    history = History(history_path or folder / "history.jsonl", options)
    began = monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(HARNESS_FAILED))  # and nothing is left running
    try:
        verdict = run(options, folder, history)
    except Exception:  # noqa: BLE001 - whatever it is, it is no verdict
        traceback.print_exc()
        click.echo(f"The harness failed; see {folder}. Again: --seed {options.seed}")
        sys.exit(HARNESS_FAILED)
    history.write(verdict=verdict.violations, counts=verdict.counts, seconds=round(monotonic() - began))
    history.close()
    _tell(verdict, history.done)
    if verdict.violations:
        click.echo(f"{folder} has the logs, the database and what is not kept elsewhere. Again: --seed {options.seed}")
        sys.exit(1)
    shutil.rmtree(folder)
    if verdict.short_of:
        click.echo(f"No violation, but only {', '.join(verdict.short_of)} within the time.")
        sys.exit(2)


def _tell(verdict: Verdict, faults: Mapping[str, int]) -> None:
    click.echo("faults: " + ", ".join(f"{number} {kind}" for kind, number in sorted(faults.items())))
    click.echo(", ".join(f"{number} {name}" for name, number in verdict.counts.items()))
    for violation in verdict.violations[:SHOWN]:
        first, *rest = violation.splitlines()
        click.echo("\n".join([f"VIOLATION {first}", *rest[:LINES_SHOWN], *(["  ..."] if rest[LINES_SHOWN:] else [])]))
    if len(verdict.violations) > SHOWN:
        click.echo(f"... and {len(verdict.violations) - SHOWN} more")
    if not verdict.violations:
        click.echo("Clean: what was acknowledged is in the log once, and nothing else; audit and reconcile agree.")


if __name__ == "__main__":
    main()
