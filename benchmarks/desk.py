"""How long each page, filter and search of the desk takes, over real HTTP: ``python benchmarks/desk.py``.

The database is that of the WALLET_* settings, filled by ``wallet-service seed``. Each address is asked for once to warm
up, then ``--times`` times, one after another; the table says what 95 of 100 answers took at most. Exits with 1 where
one takes longer than the limit.
"""

import os
import secrets
import statistics
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import click
import httpx
from rich.console import Console
from rich.table import Table
from servers import free_port

from wallet_service.admin.api_tokens import ApiTokens
from wallet_service.admin.roles import Role
from wallet_service.database import create_desk_engine
from wallet_service.schema import prepare_database
from wallet_service.settings import Settings

LIMIT_MS = 300
PLAYER = "seed-0000007"
NOW = datetime.now(UTC)
MONTH = {"from": f"{NOW - timedelta(days=31):%Y-%m-%dT%H:%MZ}", "to": f"{NOW:%Y-%m-%dT%H:%MZ}"}
WEEK_AGO = {"from": f"{NOW - timedelta(days=8):%Y-%m-%dT%H:%MZ}", "to": f"{NOW - timedelta(days=7):%Y-%m-%dT%H:%MZ}"}
CASES: tuple[tuple[str, dict[str, str]], ...] = (
    ("/rounds", {}),
    ("/rounds", WEEK_AGO),
    ("/rounds", {**MONTH, "state": "refunded"}),
    ("/rounds", {"state": "open"}),
    ("/rounds", {"state": "open", "game": "none such"}),
    ("/rounds", {**MONTH, "game": "game-7", "currency": "EUR"}),
    ("/rounds", {**MONTH, "game": "none such"}),
    ("/rounds", {**MONTH, "least": "1000000"}),
    ("/rounds", {"player": PLAYER}),
    ("/rounds", {"player": PLAYER, "state": "open"}),
    ("/rounds", {"round": "seed-4711"}),
    ("/transactions", {}),
    ("/transactions", WEEK_AGO),
    ("/transactions", {**MONTH, "call": "refund"}),
    ("/transactions", {**MONTH, "call": "debit"}),
    ("/transactions", {**MONTH, "currency": "XXX"}),
    ("/transactions", {**MONTH, "reference": "none such"}),
    ("/transactions", {**MONTH, "least": "1000000"}),
    ("/transactions", {"player": PLAYER}),
    ("/transactions", {"player": PLAYER, "call": "refund"}),
    ("/transactions", {"round": "seed-4711"}),
    ("/cancellations", {}),
    ("/cancellations", {"state": "overdue"}),
    ("/cancellations", {"player": PLAYER}),
    ("/refusals", {}),
    ("/refusals", {**MONTH, "outcome": "player_frozen"}),
    ("/refusals", {"player": PLAYER}),
    ("/reviews", {}),
    ("/reviews", {**MONTH, "state": "all"}),
    ("/reviews", {"player": PLAYER, "state": "left"}),
    ("/actions", {}),
    ("/actions", {**MONTH, "kind": "debit"}),
    ("/search", {"q": PLAYER}),
    ("/search", {"q": "seed-4711"}),
    ("/search", {"q": "seed-4711-2"}),
    ("/search", {"q": "00000000-0000-7000-8000-000000000000"}),
)


@click.command()
@click.option("--times", default=40, show_default=True, type=click.IntRange(2, 10_000))
@click.option("--limit", default=LIMIT_MS, show_default=True, help="Milliseconds.")
def main(times: int, limit: int) -> None:
    """Measure every case against the database of the settings."""
    settings = prepare_database(Settings.load())
    tokens = ApiTokens(create_desk_engine(settings.database_url, 1, read_only=False))
    token = tokens.create(
        f"benchmark {secrets.token_hex(8)}", Role.VIEWER, by_whom="benchmark", why="to measure the desk"
    )
    port = free_port()
    command = [str(Path(sys.executable).with_name("wallet-service")), "serve", "--port", str(port)]
    secret = secrets.token_urlsafe(32)
    names = ("PARTNER_ID", "PARTNER_TOKEN", "HASH_SECRET", "ADMIN_SECRET_KEY")
    environment = {**os.environ, **{f"WALLET_{name}": secret for name in names}, "WALLET_LOG_LEVEL": "ERROR"}
    headers = {"Accept": "text/html", "Authorization": f"Bearer {token}"}
    with (
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as service,  # noqa: S603 - ours
        httpx.Client(base_url=f"http://127.0.0.1:{port}/admin", headers=headers, timeout=60) as client,
    ):
        if not service.stderr or "listens on" not in service.stderr.readline():
            raise click.ClickException("the service does not start")
        slow = _measure(client, times, limit)
        service.terminate()
    sys.exit(1 if slow else 0)


def _measure(client: httpx.Client, times: int, limit: int) -> int:
    table = Table("address", "status", *(f"{name} ms" for name in ("median", "p95", "most")))
    slow = 0
    for path, query in (*CASES, *_stories(client)):
        taken = []
        for number in range(times + 1):
            started = perf_counter()
            answer = client.get(path, params=query)
            if number:
                taken.append((perf_counter() - started) * 1000)
        p95 = statistics.quantiles(taken, n=20, method="inclusive")[-1]
        slow += p95 > limit
        address = f"{path}?{'&'.join(f'{name}={value}' for name, value in query.items())}"
        figures = (f"{value:.0f}" for value in (statistics.median(taken), p95, max(taken)))
        table.add_row(address, str(answer.status_code), *figures, style="red" if p95 > limit else "")
    Console(width=140).print(table)
    return slow


def _stories(client: httpx.Client) -> list[tuple[str, dict[str, str]]]:
    """Return the overview, and the pages of a player, of a round of theirs and of a transaction."""
    player = f"/players/{PLAYER}"
    newest = [
        client.get(f"/{name}.json", params={"player": PLAYER}).json()["rows"][0] for name in ("rounds", "transactions")
    ]
    return [
        ("/", {}),
        (player, {}),
        (player, MONTH),
        (f"{player}/rounds/{newest[0]['round_id']}", {}),
        (f"{player}/transactions/{newest[1]['id']}", {}),
    ]


if __name__ == "__main__":
    main()
