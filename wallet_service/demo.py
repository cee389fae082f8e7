"""The first run: wallet and sandbox side by side, and the whole loop once, from a bet to its refund.

Both stay up afterwards, and what to try next is printed.
"""

import json
import secrets
import shlex
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from sqlalchemy import Engine

from wallet_service.admin.accounts import Accounts, NameTakenError
from wallet_service.admin.roles import Role
from wallet_service.cancelling import Canceller, await_refund, record_of
from wallet_service.database import create_desk_engine, create_read_engine, create_wallet_engine
from wallet_service.ledger.calls import OpenWallet
from wallet_service.ledger.cancellation_reads import CancellationRow
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.money import format_money
from wallet_service.ledger.reads import wallets_of
from wallet_service.lucky_monaco import connect_lucky_monaco
from wallet_service.sandbox import Message, Round, Sandbox, message_line, sandbox_for
from wallet_service.schema import prepare_database
from wallet_service.serving import serve
from wallet_service.settings import Settings

__all__ = ["run_demo"]

PLAYER = "demo"
CURRENCY = "USD"
OPENING_BALANCE = Decimal("1000.00")
STAKE = Decimal("10.00")
REASON = "the player's connection was lost"
REFUND_PATIENCE_S = 30
RESEND_PAUSE_S = 0.2
SANDBOX_CALLS_PER_MINUTE = 60_000
"""The real ones allow one call a minute for past rounds."""
SETTINGS_FILE = "demo.env"
DESK_PASSWORD = "DESK_PASSWORD"  # noqa: S105 - the name that it is kept under
ROUNDS_FILE = "sandbox.json"
COMMAND = ".venv/bin/wallet-service"


def run_demo(settings: Settings, host: str, port: int, sandbox_port: int, console: Console) -> None:
    """Set the demo up, show the loop, and serve until Ctrl-C.

    Secrets that the settings lack are made up and kept in the data directory, so that what was printed once can be
    pasted again after a restart.

    Raises:
        AddressInUseError: an address cannot be had.

    """
    own_database = not settings.database_url
    with console.status("Starting PostgreSQL and migrating the database ..."):
        settings = prepare_database(demo_settings(settings, host, sandbox_port))
    console.print("[green]✓[/] PostgreSQL is up and migrated")
    ledger = Ledger(create_wallet_engine(settings.database_url, connections=1))
    ledger.apply(OpenWallet(PLAYER, CURRENCY, OPENING_BALANCE))
    password = open_account(settings)
    url = f"http://{host}:{port}"

    def tell(message: Message) -> None:
        console.print(message_line(message), soft_wrap=True)

    sandbox = sandbox_for(
        settings,
        url,
        settings.lucky_monaco_version,
        host=host,
        port=sandbox_port,
        pause=RESEND_PAUSE_S,
        # In a database of its own the demo's rounds have short numbers; elsewhere they could have been used before.
        first_round=1 if own_database else None,
        state=settings.data_dir / ROUNDS_FILE,
        on_message=tell,
    )
    sandbox_url = sandbox.start()

    def show() -> None:
        console.print(f"[green]✓[/] The wallet listens on {url}")
        console.print(f"[green]✓[/] The sandbox, which plays Lucky Monaco, listens on {sandbox_url}")
        console.print(f"[green]✓[/] The desk is at {url}/admin (name {PLAYER}, password {password})\n", soft_wrap=True)
        the_round = show_loop(settings, ledger, sandbox, console)
        show_commands(the_round, url, sandbox_url, settings, console)

    try:
        serve(settings, host, port, workers=1, on_listening=show)
    finally:
        sandbox.stop()


def demo_settings(settings: Settings, host: str, sandbox_port: int) -> Settings:
    """Return settings in which nothing is missing that the loop needs.

    What they lacked is kept where only its owner reads it. Another terminal reads that file, and so has it too.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir / SETTINGS_FILE
    kept = _exported(path)
    made_up = {
        "WALLET_LUCKY_MONACO_URL": f"http://{host}:{sandbox_port}",
        "WALLET_HISTORY_CALLS_PER_MINUTE": str(SANDBOX_CALLS_PER_MINUTE),
    }
    for name, given, value in (
        ("WALLET_PARTNER_ID", settings.partner_id, "demo-operator"),
        ("WALLET_PARTNER_TOKEN", settings.partner_token, secrets.token_urlsafe(24)),
        ("WALLET_HASH_SECRET", settings.hash_secret, secrets.token_urlsafe(24)),
        ("WALLET_ADMIN_SECRET_KEY", settings.admin_secret_key, secrets.token_urlsafe(32)),
        (DESK_PASSWORD, "", secrets.token_urlsafe(12)),
    ):
        if not given:
            made_up[name] = kept.get(name, value)
    path.touch(mode=0o600)
    path.write_text(
        f"# Made by wallet-service demo. Another terminal reads it with:  . {path}\n"
        + "".join(f"export {name}={shlex.quote(value)}\n" for name, value in made_up.items())
    )
    own = Settings.load(made_up)
    token, hash_secret = (settings.partner_token or own.partner_token), (settings.hash_secret or own.hash_secret)
    return replace(
        settings,
        # The sandbox shows each message; that the wallet took it need not be said twice.
        log_level="WARNING" if settings.log_level == "INFO" else settings.log_level,
        partner_id=settings.partner_id or own.partner_id,
        partner_token=token,
        hash_secret=hash_secret,
        admin_secret_key=settings.admin_secret_key or own.admin_secret_key,
        lucky_monaco_url=own.lucky_monaco_url,
        lucky_monaco_token=settings.lucky_monaco_token or token[0],
        lucky_monaco_hash_secret=settings.lucky_monaco_hash_secret or hash_secret[0],
    )


def open_account(settings: Settings) -> str:
    """Make sure that somebody may log in at the desk, and return the password."""
    password = _exported(settings.data_dir / SETTINGS_FILE)[DESK_PASSWORD]
    engine = create_desk_engine(settings.database_url, 1, read_only=False)
    with suppress(NameTakenError):  # it is there from an earlier run
        Accounts(engine).create(PLAYER, password, Role.ADMIN, by_whom="demo", why="the demo's own")
    engine.dispose()
    return password


def _exported(path: Path) -> dict[str, str]:
    words = shlex.split(path.read_text(), comments=True) if path.exists() else []
    return dict(word.split("=", 1) for word in words if "=" in word)


def show_loop(settings: Settings, ledger: Ledger, sandbox: Sandbox, console: Console) -> Round:
    """Bet, cancel the round, and see the money come back; return the round."""
    reads = create_read_engine(settings.reader_database_url)
    console.print("The loop: a player bets, the operator cancels the round, Lucky Monaco refunds it.\n", soft_wrap=True)
    _say_balance(reads, console)
    the_round, _ = sandbox.open_round(PLAYER, CURRENCY, STAKE)
    _say_balance(reads, console)

    def look() -> CancellationRow:
        return record_of(reads, PLAYER, the_round.round_id, None)

    with connect_lucky_monaco(settings) as lucky_monaco:
        canceller = Canceller(ledger, lucky_monaco, settings.refund_overdue_minutes)
        canceller.ask(PLAYER, the_round.round_id, the_round.game.id, by_whom="demo", why=REASON)
    *_, (record, _) = await_refund(look, REFUND_PATIENCE_S)
    _say_balance(reads, console)
    if record.state == "refunded":
        console.print(f"\n[green]✓[/] Round {the_round.round_id} is refunded by {record.refund_id}\n", soft_wrap=True)
    else:
        text = f"\nThe cancellation of round {the_round.round_id} is {record.state}: {record.message}\n"
        console.print(text, markup=False, soft_wrap=True)
    return the_round


def _say_balance(reads: Engine, console: Console) -> None:
    with reads.connect() as connection:
        wallet = next(row for row in wallets_of(connection, PLAYER) if row.currency == CURRENCY)
    console.print(f"          {PLAYER} has {format_money(wallet.balance)} {CURRENCY}", style="bold")


def show_commands(the_round: Round, url: str, sandbox_url: str, settings: Settings, console: Console) -> None:
    """Print what to paste into another terminal."""
    console.print("Both stay up (Ctrl-C stops them). In another terminal:\n")
    refund = {
        "userId": PLAYER,
        "providerId": settings.provider_id or "LuckyMonaco",
        "reference": f"again-{the_round.round_id}",
        "roundId": the_round.round_id,
        "gameId": the_round.game.id,
        "gameName": the_round.game.name,
        "currency": CURRENCY,
        "uuid": f"again-{the_round.round_id}",
    }
    post = f"curl -sS '{url}{settings.v402_prefix}/Refund?authToken='$WALLET_PARTNER_TOKEN"
    headers = "-H 'Content-Type: application/json'"
    seat = f"-d userId={PLAYER} -d currency={CURRENCY}"
    for what, *commands in (
        (
            "Know the credentials; bet, and cancel the round that the sandbox names:",
            f". {settings.data_dir / SETTINGS_FILE}",
            f"curl -sS {sandbox_url}/sandbox/rounds {seat} -d amount=25.00",
            f"{COMMAND} cancel-round {PLAYER} ROUND --reason 'the game hangs'",
        ),
        (
            "Send the refund of the first round once more. It has the first answer, and moves nothing:",
            f"{post} {headers} -d {shlex.quote(json.dumps(refund))}",
        ),
        (
            "Lose answers, send twice, and play a hundred rounds all the same:",
            f'curl -sS -X PUT {sandbox_url}/sandbox/misbehaviour -d \'{{"lost_answers": 0.2, "duplicates": 0.2}}\'',
            f"curl -sS {sandbox_url}/sandbox/play {seat} -d rounds=100",
        ),
        (
            "See what came of it, and that the money is right:",
            f"{COMMAND} cancellations",
            f"{COMMAND} reconcile --from 1h",
            f"{COMMAND} transactions --user {PLAYER}",
            f"{COMMAND} audit",
        ),
    ):
        console.print(what, soft_wrap=True)
        console.print("\n" + "\n".join(commands) + "\n", style="cyan", soft_wrap=True, markup=False, highlight=False)
