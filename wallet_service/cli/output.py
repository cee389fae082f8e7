"""What commands print: tables for people, JSON for programs, and one line for a fault."""

import json
from collections.abc import Mapping, Sequence

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["FaultError", "as_json_option", "console", "show"]

# What stands between two colons may be part of an id, and no picture.
console = Console(highlight=False, emoji=False)
WIDE = Console(width=1000)


class FaultError(click.ClickException):
    """The command could not do its work; what it was asked about is not the reason."""

    exit_code = 2


def show(rows: Sequence[Mapping[str, object]], *, as_json: bool, empty: str) -> None:
    """Print rows as a table, or as JSON; ``empty`` is what a person reads where there are none."""
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
        Console(width=max(width, console.width), emoji=False).print(table)


def _is_number(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and value.replace(".", "").lstrip("-").isdecimal())


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
