"""How fast the wallet is, beside what the database alone can do and the usual way: ``make bench``.

Everything is measured in one run on one machine, and told as ratios, because absolute figures drift. Load comes from
wrk, each call for a different round; every answer must be a success, and afterwards the books are audited.
"""

import json
import os
import platform
import shutil
import sys
from pathlib import Path

import click
from data import database_of
from load import LoadError
from measure import CEILING_CONNECTIONS, Bench, Figure, main_ratios, medians, other_ratios, overload
from rich.console import Console
from rich.table import Table

TARGETS = {
    "refund_vs_pgbench": (0.40, "at least"),
    "refund_vs_usual": (3.0, "at least"),
    "replay_vs_refund": (1.0, "at least"),
    "mix_vs_pgbench": (0.35, "at least"),
    "half_load_p99_vs_single_p50": (10.0, "at most"),
    "hot_64_vs_best": (0.7, "at least"),
}
QUICK_SECONDS = 3
QUICK_ROUNDS = 10_000

console = Console(stderr=True)


@click.command()
@click.option("--quick", is_flag=True, help="The main ratios alone, with 10,000 rounds and 2 workers, once.")
@click.option("--rounds", default="10000,1000000", show_default=True, help="Rounds in the tables, comma-separated.")
@click.option("--workers", default="1,2", show_default=True, help="Workers of each server, comma-separated.")
@click.option("--repeat", default=3, show_default=True, type=click.IntRange(1), help="Times; the median is told.")
@click.option("--seconds", default=8.0, show_default=True, type=click.FloatRange(1), help="Of each measurement.")
@click.option("--overload", "overload_seconds", type=click.IntRange(1), help="Seconds at four times what it can carry.")
@click.option("--data", default=Path("var/bench"), show_default=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def main(
    *,
    quick: bool,
    rounds: str,
    workers: str,
    repeat: int,
    seconds: float,
    overload_seconds: int | None,
    data: Path,
    as_json: bool,
) -> None:
    """Measure, and exit with 1 where a target is missed."""
    if not shutil.which("wrk"):
        raise click.ClickException("wrk is not here; on Debian: apt-get install wrk")
    runs = []
    plan = [(QUICK_ROUNDS, 2)] if quick else [(int(n), int(w)) for n in rounds.split(",") for w in workers.split(",")]
    for number, worker_count in plan:
        with database_of(data, number) as database:
            bench = Bench(database, QUICK_SECONDS if quick else seconds, _progress)
            if quick:
                bench.ceiling_connections = CEILING_CONNECTIONS[:1]
            try:
                found = medians([main_ratios(bench, worker_count) for _ in range(1 if quick else repeat)])
                if not quick:
                    found |= medians([other_ratios(bench, worker_count)])
                if overload_seconds:
                    found |= medians([overload(bench, worker_count, overload_seconds)])
            except LoadError as error:
                raise click.ClickException(str(error)) from error
            database.check_books()
        runs.append({"rounds": number, "workers": worker_count, "ratios": found, "figures": bench.figures})
    _tell(runs, as_json=as_json)
    sys.exit(0 if all(_holds(name, value) for run in runs for name, value in run["ratios"].items()) else 1)


def _progress(figure: Figure) -> None:
    console.print(
        f"[dim]{figure.what}, {figure.workers} workers: {figure.load.rate:.0f} calls/s[/dim]", highlight=False
    )


def _tell(runs: list, *, as_json: bool) -> None:
    if as_json:
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
        told = [{**run, "figures": [figure.told() for figure in run["figures"]]} for run in runs]
        click.echo(json.dumps({"machine": machine, "ratios": runs[-1]["ratios"], "runs": told}, indent=1))
        return
    for run in runs:
        title = f"{run['rounds']} rounds in the tables, {run['workers']} workers"
        table = Table("what", "clients", "calls/s", "p50 ms", "p99 ms", "CPU server", "CPU database", "MB", title=title)
        for figure in run["figures"]:
            load = figure.load
            numbers = (f"{load.rate:.0f}", f"{load.p50:.1f}", f"{load.p99:.1f}", f"{figure.cpu_server:.2f}")
            memory = f"{figure.memory / 2**20:.0f}" if figure.memory else ""
            table.add_row(figure.what, str(figure.connections), *numbers, f"{figure.cpu_database:.2f}", memory)
        ratios = Table("ratio", "", "target")
        for name, value in run["ratios"].items():
            bound, words = TARGETS.get(name, (None, ""))
            style = "" if _holds(name, value) else "red"
            ratios.add_row(name, f"{value:.2f}", f"{words} {bound}" if bound else "", style=style)
        out = Console(width=120)
        out.print(table)
        out.print("CPU: seconds for 1,000 calls. MB: memory of the largest worker.")
        out.print(ratios)


def _holds(name: str, value: float) -> bool:
    bound, words = TARGETS.get(name, (None, ""))
    return bound is None or (value >= bound if words == "at least" else value <= bound)


if __name__ == "__main__":
    main()
