"""How fast the wallet is, beside what the database alone can do and the usual way: ``make bench``.

Everything is measured in one run on one machine, and told as ratios, because absolute figures drift. Load comes from
wrk, each call for a different round; every answer must be a success, and afterwards the books are audited.
"""

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
from data import database_of
from load import LoadError
from measure import (
    CEILING_CONNECTIONS,
    Bench,
    Figure,
    main_ratios,
    many_rounds_against_few,
    medians,
    other_ratios,
    overload,
    soak,
    two_workers_against_one,
)
from rich.console import Console
from rich.table import Table

TARGETS = {
    "refund_vs_pgbench": (0.40, "at least"),
    "refund_vs_usual": (3.0, "at least"),
    "replay_vs_refund": (1.0, "at least"),
    "mix_vs_pgbench": (0.35, "at least"),
    "half_load_p99_vs_single_p50": (10.0, "at most"),
    "hot_64_vs_best": (0.7, "at least"),
    "two_workers_vs_one": (1.0, "at least"),
    "two_workers_cpu_vs_one": (1.1, "at most"),
    "many_rounds_vs_few_refund": (0.9, "at least"),
    "many_rounds_vs_few_mix": (0.9, "at least"),
    "memory_after_soak": (1.1, "at most"),
    "served_afterwards": (0.8, "at least"),
    "overload_p99_s": (3.0, "at most"),
    "memory_meanwhile": (2.0, "at most"),
}
COLUMNS = ("what", "clients", "calls/s", "p50 ms", "p99 ms", "CPU server", "CPU database", "MB", "stolen")
QUICK_SECONDS = 2
QUICK_WORKERS = 2
QUICK_ROUNDS = 10_000

console = Console(stderr=True)


@click.command()
@click.option("--quick", is_flag=True, help="The main ratios alone, with 10,000 rounds and 2 workers, once.")
@click.option("--rounds", default="10000,1000000", show_default=True, help="Rounds in the tables, comma-separated.")
@click.option("--workers", default="1,2", show_default=True, help="Workers of each server, comma-separated.")
@click.option("--repeat", default=3, show_default=True, type=click.IntRange(1), help="Times; the median is told.")
@click.option("--seconds", default=8.0, show_default=True, type=click.FloatRange(1), help="Of each measurement.")
@click.option("--overload", "overload_seconds", type=click.IntRange(1), help="Seconds at four times what it can carry.")
@click.option("--soak", "soak_calls", type=click.IntRange(1), help="Calls after which memory must be as before.")
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
    soak_calls: int | None,
    data: Path,
    as_json: bool,
) -> None:
    """Measure, and exit with 1 where a target is missed.

    With several numbers of rounds, the largest is measured beside the smallest too, and one worker beside two.
    """
    if not shutil.which("wrk"):
        raise click.ClickException("wrk is not here; on Debian: apt-get install wrk")
    extent = Extent(seconds, repeat, overload_seconds, soak_calls)
    sizes, counts = (sorted(int(number) for number in numbers.split(",")) for numbers in (rounds, workers))
    runs = []
    try:
        if quick:
            runs.append(_quickly(data))
        else:
            for size in sizes:
                runs += _with_rounds(data, size, counts, extent)
            if overload_seconds or soak_calls:
                runs += _for_long(data, sizes[-1], counts[-1], extent)
            if len(sizes) > 1:
                runs.append(_many_beside_few(data, sizes[0], sizes[-1], counts[-1], extent))
    except LoadError as error:
        raise click.ClickException(str(error)) from error
    _tell(runs, as_json=as_json)
    sys.exit(0 if all(_holds(name, value) for run in runs for name, value in run["ratios"].items()) else 1)


class Extent(NamedTuple):
    """How long and how often is measured, and what else: the seconds of an overload, the calls of a soak."""

    seconds: float
    repeat: int
    overload: int | None
    soak: int | None


def _quickly(data: Path) -> dict:
    with database_of(data, QUICK_ROUNDS, anew=True) as database:
        bench = Bench(database, QUICK_SECONDS, _progress, CEILING_CONNECTIONS[:1])
        found = main_ratios(bench, QUICK_WORKERS, quick=True)
        database.check_books()
    return _run(f"{QUICK_ROUNDS} rounds in the tables, {QUICK_WORKERS} workers", [bench], [found])


def _with_rounds(data: Path, size: int, counts: list[int], extent: Extent) -> Iterator[dict]:
    # A small one would soon have more rounds from earlier runs than it is named after.
    with database_of(data, size, anew=size <= QUICK_ROUNDS) as database:
        for count in counts:
            bench = Bench(database, extent.seconds, _progress)
            found = [main_ratios(bench, count, quick=False) | other_ratios(bench, count) for _ in range(extent.repeat)]
            yield _run(f"{size} rounds in the tables, {count} workers", [bench], found)
        if {1, 2} <= set(counts):
            bench = Bench(database, extent.seconds, _progress)
            found = [two_workers_against_one(bench) for _ in range(extent.repeat)]
            yield _run(f"{size} rounds in the tables, one worker beside two", [bench], found)
        database.check_books()


def _for_long(data: Path, size: int, workers: int, extent: Extent) -> Iterator[dict]:
    with database_of(data, size) as database:
        if extent.overload:
            bench = Bench(database, extent.seconds, _progress)
            yield _run("Four times what it can carry", [bench], [overload(bench, workers, extent.overload)])
        if extent.soak:
            bench = Bench(database, extent.seconds, _progress)
            yield _run(f"{extent.soak} calls on end", [bench], [soak(bench, workers, extent.soak)])
        database.check_books()


def _many_beside_few(data: Path, few: int, many: int, workers: int, extent: Extent) -> dict:
    with database_of(data, few, anew=True) as small, database_of(data, many) as large:
        benches = [Bench(database, extent.seconds, _progress) for database in (small, large)]
        found = [many_rounds_against_few(*benches, workers, few_first=turn % 2 == 1) for turn in range(extent.repeat)]
        for database in (small, large):
            database.check_books()
    return _run(f"{many} rounds in the tables beside {few}, {workers} workers", benches, found)


def _run(title: str, benches: list[Bench], found: list[dict[str, float]]) -> dict:
    figures = [figure for bench in benches for figure in bench.figures]
    return {"title": title, "ratios": medians(found), "figures": figures}


def _progress(figure: Figure) -> None:
    console.print(
        f"[dim]{figure.what}, {figure.workers} workers: {figure.load.rate:.0f} calls/s[/dim]", highlight=False
    )


def _tell(runs: list, *, as_json: bool) -> None:
    if as_json:
        machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
        told = [{**run, "figures": [figure.told() for figure in run["figures"]]} for run in runs]
        ratios = {name: value for run in runs for name, value in run["ratios"].items()}  # of the largest
        click.echo(json.dumps({"machine": machine, "ratios": ratios, "runs": told}, indent=1))
        return
    for run in runs:
        table = Table(*COLUMNS, title=run["title"])
        for figure in run["figures"]:
            table.add_row(*_row(figure))
        ratios = Table("ratio", "", "target")
        for name, value in run["ratios"].items():
            bound, words = TARGETS.get(name, (None, ""))
            style = "" if _holds(name, value) else "red"
            ratios.add_row(name, f"{value:.2f}", f"{words} {bound}" if bound else "", style=style)
        out = Console(width=120)
        out.print(table)
        for load in (figure.load for figure in run["figures"] if figure.load.shed):
            out.print(f"Told to come again: {load.shed} calls, 99 % of them within {load.shed_p99:.0f} ms.")
        out.print("CPU: seconds for 1,000 calls. MB: memory of the largest worker.")
        out.print("Stolen: the share of the cores' time that other machines on the same hardware had instead.")
        out.print(ratios)


def _row(figure: Figure) -> Iterator[str]:
    load = figure.load
    yield from (figure.what, str(figure.connections), f"{load.rate:.0f}", f"{load.p50:.1f}", f"{load.p99:.1f}")
    yield from (f"{figure.cpu_server:.2f}", f"{figure.cpu_database:.2f}")
    yield f"{figure.memory / 2**20:.0f}" if figure.memory else ""
    yield f"{figure.stolen:.0%}"


def _holds(name: str, value: float) -> bool:
    bound, words = TARGETS.get(name, (None, ""))
    return bound is None or (value >= bound if words == "at least" else value <= bound)


if __name__ == "__main__":
    main()
