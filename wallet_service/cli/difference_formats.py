"""How differences are printed: a table for people, CSV and JSON Lines for programs, which stream."""

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from io import StringIO
from typing import Literal

import click

from wallet_service.cli.output import show
from wallet_service.reconcile.differences import Difference
from wallet_service.reconcile.reconciliation import Summary

__all__ = ["DifferenceFormat", "DifferencePrinter"]

DifferenceFormat = Literal["table", "csv", "json"]
TABLE_ROWS = 1000
"""The table is printed at the end, to fit what is in it: so many rows are kept for it."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the start of a formula."""


class DifferencePrinter:
    """Prints differences on standard output. The summary is printed there below a table, else on standard error."""

    def __init__(self, form: DifferenceFormat) -> None:
        self._form = form
        self._rows: list[dict[str, str]] = []
        if form == "csv":
            click.echo(_csv_line(item.name for item in fields(Difference)))

    def add(self, difference: Difference) -> None:
        """Print a difference, or keep it for the table."""
        row = {name: str(value) for name, value in asdict(difference).items()}
        if self._form == "json":
            click.echo(json.dumps(row))
        elif self._form == "csv":
            click.echo(_csv_line(row.values()))
        elif len(self._rows) < TABLE_ROWS:
            self._rows.append(row)

    def finish(self, summary: Summary, *, calls: int, finished: bool) -> None:
        """Print the table and the summary, of a comparison that was ``finished`` or stopped."""
        total = summary.differences.total()
        if self._rows:
            show(self._rows, as_json=False, empty="")
        if len(self._rows) == TABLE_ROWS < total:
            click.echo(f"The first {TABLE_ROWS} of {total} differences; --format csv or json prints them all.")
        if self._form == "json":
            told = {
                "finished": finished,
                "done_to": summary.done_to.isoformat(),
                "rounds_there": summary.rounds_there,
                "rounds_here": summary.rounds_here,
                "portions": summary.portions,
                "calls": calls,
                "differences": dict(sorted(summary.differences.items())),
            }
            click.echo(json.dumps(told), err=True)
            return
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(summary.differences.items()))
        click.echo(
            f"{'Compared' if finished else 'Stopped after'} {summary.rounds_there} rounds of Lucky Monaco's and "
            f"{summary.rounds_here} of the wallet's, in {summary.portions} portions and {calls} calls: "
            f"{kinds or ('nothing differs' if finished else 'nothing differs so far')}.",
            err=self._form == "csv",
        )


def _csv_line(cells: Iterable[str]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(
        f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell for cell in cells
    )
    return line.getvalue()
