"""The command that examines a deployment."""

import json
import sys
from dataclasses import asdict

import click

from wallet_service.doctor.examination import examine
from wallet_service.doctor.findings import Grade

__all__ = ["doctor_command"]

SIGNS = {Grade.GOOD: "✓", Grade.WARNING: "!", Grade.FAULT: "✗"}


@click.command("doctor")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 1024),
    help="How many workers all services together have: for the database's connections.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def doctor_command(workers: int, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Examine the deployment, and say what to mend. Changes nothing; exits with 1 where something does not work."""
    findings = []
    for finding in examine(workers):
        findings.append(finding)
        if not as_json:
            click.echo(f"{SIGNS[finding.grade]} {finding.about}: {finding.found}")
            if finding.mend:
                click.echo(f"    {finding.mend}")
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    if any(finding.grade is Grade.FAULT for finding in findings):
        sys.exit(1)
