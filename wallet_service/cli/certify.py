"""The command that tries whether a deployed wallet keeps the contract."""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import get_args

import click
from rich.table import Table
from rich.text import Text

from wallet_service.certify.client import Client, UnreachableError
from wallet_service.certify.cycle import Cycle
from wallet_service.certify.findings import Finding, Findings
from wallet_service.certify.refusals import try_patience, try_player, try_refusals
from wallet_service.certify.report import Report
from wallet_service.cli.arguments import USER, wallet_url
from wallet_service.cli.output import FaultError, console
from wallet_service.ledger.money import parse_money
from wallet_service.settings import ContractVersion, Settings

__all__ = ["certify_command"]

FORMS = {".md": Report.as_markdown, ".json": Report.as_json}


def _stake(_context: click.Context, _option: click.Parameter, value: str) -> Decimal:
    try:
        amount = parse_money(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not amount:
        raise click.BadParameter("must be more than nothing")
    return amount


def _report_path(_context: click.Context, _option: click.Parameter, value: Path | None) -> Path | None:
    if value and value.suffix not in FORMS:
        raise click.BadParameter("must end in .md or .json")
    if value and not value.absolute().parent.is_dir():
        raise click.BadParameter("must be in a folder that is there")
    return value


@click.command("certify")
@click.argument("url", callback=wallet_url)
@click.option(
    "--version", "versions", type=click.Choice(get_args(ContractVersion)), multiple=True, help="One of the two only."
)
@click.option("--player", type=USER, help="A player of yours, made for this, to look at.")
@click.option("--currency", default="USD", show_default=True, help="Of the player's only wallet.")
@click.option("--moves-money", is_flag=True, help="Bet with the player's money, too, and give it back.")
@click.option("--amount", default="1.00", show_default=True, callback=_stake, help="Of each bet.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    callback=_report_path,
    help="Write a report to hand over, as FILE.md or FILE.json.",
)
def certify_command(
    url: str,
    versions: tuple[ContractVersion, ...],
    player: str | None,
    currency: str,
    amount: Decimal,
    report: Path | None,
    *,
    moves_money: bool,
) -> None:
    """Try whether the wallet at URL keeps the contract, with its own WALLET_* credentials.

    It moves no money unless told to. Exits with 1 and names each promise that is broken.
    """
    if moves_money and not player:
        raise click.UsageError("--moves-money needs a --player")
    settings = Settings.load()
    settings.require_secrets()
    began_at = datetime.now(UTC)
    found: list[Finding] = []
    for version in versions or get_args(ContractVersion):
        client = Client(url, version, settings)
        findings = Findings(version)
        try:
            try_refusals(client, findings, currency)
            if player:
                try_player(client, findings, player, currency)
            if player and moves_money:
                Cycle(client, findings, player, currency, amount).run()
            try_patience(client, findings)
        except UnreachableError as error:
            raise FaultError(f"{url}: {error}") from None
        finally:
            client.close()
        found += findings.cases
    release = installed_version("wallet-service")
    done = Report(url, began_at, release, player or "", currency, moves_money, found)
    _print(done)
    if report:
        report.write_text(FORMS[report.suffix](done))
    if done.broken:
        sys.exit(1)


def _print(report: Report) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in report.findings:
        mark = Text("kept", style="green") if finding.kept else Text("BROKEN", style="bold red")
        table.add_row(mark, Text(finding.version), Text(finding.case), Text(finding.promise))
        if not finding.kept:
            table.add_row("", "", "", Text(f"{finding.seen}: {finding.problem}", style="red"))
    console.print(table)
    console.print(report.summary)
