"""Commands that run the service: serve, demo."""

from math import inf

import click

from wallet_service.cli.database import check_reader, opened_database
from wallet_service.cli.output import console
from wallet_service.database import create_read_engine
from wallet_service.database_roles import check_roles
from wallet_service.demo import run_demo
from wallet_service.logs import configure_logs
from wallet_service.serving import serve
from wallet_service.settings import Settings
from wallet_service.timeouts import check_timeouts
from wallet_service.waiting import wait_for_database

__all__ = ["demo_command", "serve_command"]

WAITED_AT_MOST_S = {"WALLET_DATABASE_URL": inf, "WALLET_READER_DATABASE_URL": 10.0}
"""Calls need the one; without the other only the desk's pages and the reports are missing, until it is there."""


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes; one a CPU core.")
def serve_command(host: str, port: int, workers: int) -> None:
    """Serve the wallet. The embedded database migrates itself; an external one is waited for, and must be at head."""
    settings = Settings.load()
    settings.require_secrets()
    configure_logs(settings.log_level)
    missing = {
        variable
        for variable, url in settings.serving_urls.items()
        if not wait_for_database(create_read_engine(url), variable, WAITED_AT_MOST_S[variable])
    }
    settings = opened_database()
    if settings.reader_database_url != settings.database_url and "WALLET_READER_DATABASE_URL" not in missing:
        check_reader(settings)
    check_timeouts(settings)
    check_roles(settings, missing)
    serve(
        settings,
        host,
        port,
        workers,
        on_listening=lambda: _say_where(settings, host, port),
    )


def _say_where(settings: Settings, host: str, port: int) -> None:
    desk = f", the desk on http://{host}:{settings.admin_port}/admin" if settings.admin_port else ""
    click.echo(f"wallet_service listens on http://{host}:{port}{desk}", err=True)


@click.command("demo")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65534), help="The wallet's.")
@click.option("--sandbox-port", type=click.IntRange(1, 65535), help="The sandbox's.  [default: the next one]")
def demo_command(host: str, port: int, sandbox_port: int | None) -> None:
    """Serve the wallet and the sandbox, and show the loop: a bet, its round cancelled, the refund."""
    run_demo(Settings.load(), host, port, sandbox_port or port + 1, console)
