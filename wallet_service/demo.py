"""The first run: a player with money, an open round with a bet, and what to paste to see it come back."""

import secrets
import shlex
from dataclasses import replace
from decimal import Decimal
from itertools import count
from json import dumps
from pathlib import Path

from rich.console import Console

from wallet_service.database import create_read_engine, create_wallet_engine
from wallet_service.ledger.calls import Bet, OpenWallet
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.money import format_money
from wallet_service.ledger.outcomes import Outcome
from wallet_service.ledger.reads import rounds_of, wallets_of
from wallet_service.schema import prepare_database
from wallet_service.serving import serve
from wallet_service.settings import Settings

__all__ = ["run_demo"]

PLAYER = "demo"
CURRENCY = "USD"
GAME = "vs20lucky"
OPENING_BALANCE = Decimal("1000.00")
STAKE = Decimal("10.00")
SECRETS_FILE = "demo.env"
LOOK_COMMANDS = f".venv/bin/wallet-service transactions --user {PLAYER}\n.venv/bin/wallet-service audit"


def run_demo(settings: Settings, host: str, port: int, console: Console) -> None:
    """Set the demo up and serve it until Ctrl-C.

    Secrets that the settings lack are made up and kept in the data directory, so that what was printed once can be
    pasted again after a restart.
    """
    with console.status("Starting PostgreSQL and migrating the database ..."):
        settings = prepare_database(demo_secrets(settings))
    console.print("[green]✓[/] PostgreSQL is up and migrated")
    round_id = open_round(settings)
    with create_read_engine(settings.database_url).connect() as connection:
        wallet = next(row for row in wallets_of(connection, PLAYER) if row.currency == CURRENCY)
    console.print(
        f"[green]✓[/] Player [bold]{PLAYER}[/] has {format_money(wallet.balance)} {CURRENCY} and an open round "
        f"[bold]{round_id}[/] with a bet of {format_money(STAKE)}"
    )
    url = f"http://{host}:{port}"

    def show() -> None:
        console.print(f"[green]✓[/] Listening on {url} (Ctrl-C stops everything)\n")
        for what, command in (
            (
                "Paste into another terminal. This is Lucky Monaco's Refund of the round; send it twice, it pays once:",
                refund_command(settings, url, round_id),
            ),
            ("The player's balance, as Lucky Monaco asks for it:", balance_command(settings, url)),
            ("The log of what moved, and the proof that it is right:", LOOK_COMMANDS),
        ):
            console.print(what, soft_wrap=True)
            console.print(f"\n{command}\n", style="cyan", soft_wrap=True, markup=False)

    serve(settings, host, port, workers=1, on_listening=show)


def demo_secrets(settings: Settings) -> Settings:
    """Return settings in which no secret is missing; made-up ones are kept where only their owner reads them."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir / SECRETS_FILE
    if not path.exists() or not path.stat().st_size:
        path.touch(mode=0o600)
        path.write_text(
            "# Made by wallet-service demo. Another terminal reads it with:  . var/demo.env\n"
            "export WALLET_PARTNER_ID=demo-operator\n"
            f"export WALLET_PARTNER_TOKEN={secrets.token_urlsafe(24)}\n"
            f"export WALLET_HASH_SECRET={secrets.token_urlsafe(24)}\n"
        )
    kept = Settings.load(_exported(path))
    return replace(
        settings,
        partner_id=settings.partner_id or kept.partner_id,
        partner_token=settings.partner_token or kept.partner_token,
        hash_secret=settings.hash_secret or kept.hash_secret,
    )


def _exported(path: Path) -> dict[str, str]:
    words = shlex.split(path.read_text(), comments=True)
    return dict(word.split("=", 1) for word in words if "=" in word)


def open_round(settings: Settings) -> str:
    """Make sure that the demo player has an open round, and return it: the last one, or else the next."""
    engine = create_wallet_engine(settings.database_url, connections=1)
    ledger = Ledger(engine)
    ledger.apply(OpenWallet(PLAYER, CURRENCY, OPENING_BALANCE))
    with engine.connect() as connection:
        states = rounds_of(connection, PLAYER)
    if states.get(f"round-{len(states)}") == "open":
        number = len(states)
    else:
        # A number may have been refunded before it was ever bet on, by somebody who tried that.
        number = next(n for n in count(len(states) + 1) if _bet(ledger, n) is Outcome.APPLIED)
    engine.dispose()
    return f"round-{number}"


def _bet(ledger: Ledger, number: int) -> Outcome:
    bet = Bet(
        user_id=PLAYER,
        currency=CURRENCY,
        round_id=f"round-{number}",
        game_id=GAME,
        reference=f"bet-{number}",
        amount=STAKE,
        bonus_code=None,
        sent=dumps({"by": "wallet-service demo"}),
    )
    outcome = ledger.apply(bet).outcome
    if outcome not in {Outcome.APPLIED, Outcome.ROUND_REFUNDED, Outcome.BET_CANCELLED, Outcome.ROUND_ENDED}:
        raise RuntimeError(f"the demo's bet was not taken: {outcome.value}")
    return outcome


def refund_command(settings: Settings, url: str, round_id: str) -> str:
    """Return a shell command that is Lucky Monaco's Refund of the round."""
    return _curl(
        f"{url}{settings.v402_prefix}/Refund?authToken={settings.partner_token[0]}",
        {
            "userId": PLAYER,
            "providerId": settings.provider_id or "LuckyMonaco",
            "reference": round_id.replace("round", "refund"),
            "roundId": round_id,
            "gameId": GAME,
            "gameName": "Lucky Twenty",
            "currency": CURRENCY,
            "uuid": f"demo-{round_id}",
        },
    )


def balance_command(settings: Settings, url: str) -> str:
    """Return a shell command that is Lucky Monaco's Balance for the demo player."""
    return _curl(
        f"{url}{settings.v402_prefix}/Balance?authToken={settings.partner_token[0]}",
        {
            "userId": PLAYER,
            "providerId": settings.provider_id or "LuckyMonaco",
            "currency": CURRENCY,
            "sessionId": "demo-session",
            "uuid": "demo-balance",
        },
    )


def _curl(url: str, body: dict[str, str]) -> str:
    return f"curl -sS '{url}' -H 'Content-Type: application/json' -d {shlex.quote(dumps(body))}"
