"""The command that proves the money right."""

import json
import sys
from time import perf_counter

import click

from wallet_service.cli.database import reading
from wallet_service.cli.output import as_json_option, console
from wallet_service.ledger.audit import audit

__all__ = ["audit_command"]


@click.command("audit")
@as_json_option
def audit_command(as_json: bool) -> None:  # noqa: FBT001 - as above
    """Prove from the data alone that the money is right. Exits with 1 and names each violation where it is not."""
    with reading() as connection:
        started = perf_counter()
        report = audit(connection)
        seconds = perf_counter() - started
    checked = sum(report.rows.values())
    if as_json:
        findings = [
            {"check": item.check, "user": item.user_id, "subject": item.subject, "detail": item.detail}
            for item in report.findings
        ]
        click.echo(json.dumps({"rows": report.rows, "seconds": round(seconds, 3), "violations": findings}, indent=2))
    else:
        for item in report.findings:
            click.echo(f"VIOLATION {item.check}: player {item.user_id}, {item.subject}: {item.detail}")
        counts = ", ".join(f"{number} {table}" for table, number in report.rows.items())
        console.print(
            f"Checked {checked} rows ({counts}) in {seconds:.2f} s, {checked / seconds:,.0f} rows/s.", soft_wrap=True
        )
        if not report.findings:
            console.print(
                "[green]Clean:[/] every balance is its opening balance plus its transactions; "
                "no round is refunded twice or beyond its stakes; nothing is negative.",
                soft_wrap=True,
            )
    if report.findings:
        sys.exit(1)
