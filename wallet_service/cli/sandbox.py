"""The command that plays Lucky Monaco's part."""

import signal
import sys
from pathlib import Path
from typing import Any, get_args

import click
from rich.text import Text

from wallet_service.cli.arguments import wallet_url
from wallet_service.cli.output import FaultError, console
from wallet_service.sandbox import Misbehaviour, Sandbox, message_line, sandbox_for
from wallet_service.settings import ContractVersion, Settings

__all__ = ["sandbox_command"]

PROBABILITY = click.FloatRange(0, 1)
MISBEHAVIOUR = {
    "lost_requests": "Messages that never arrive.",
    "lost_answers": "Messages whose answer is lost.",
    "duplicates": "Messages that arrive twice.",
    "delays": "Messages that wait, up to half a second.",
    "reordering": "Messages of which a copy arrives late.",
    "wrong_hash": "Messages ahead of which a copy with a wrong hash goes.",
    "refund_first": "CancelRounds answered after their Refund.",
    "no_refund": "CancelRounds after which no Refund comes.",
}


def _misbehaviour_options(command: Any) -> Any:
    for name, text in reversed(MISBEHAVIOUR.items()):
        option = f"--{name.replace('_', '-')}"
        command = click.option(option, type=PROBABILITY, default=0.0, metavar="P", help=text)(command)
    return command


@click.command("sandbox")
@click.option("--wallet", "url", required=True, callback=wallet_url, help="The wallet's URL.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8081, show_default=True, type=click.IntRange(1, 65535))
@click.option("--version", type=click.Choice(get_args(ContractVersion)), default="v4.02", show_default=True)
@click.option("--seed", default="", help="Decides how rounds go; another one each time if not given.")
@click.option("--player", help="Who plays.")
@click.option("--currency", default="USD", show_default=True, help="In which currency.")
@click.option("--play", "rounds", type=click.IntRange(1, 100_000), help="Play this many rounds at once.")
@click.option("--exit", "and_exit", is_flag=True, help="Stop after that, with 1 where the wallet did wrong.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="A file that keeps the rounds.")
@click.option("--pause", type=click.FloatRange(0, 30), default=1.0, show_default=True, help="Seconds before a resend.")
@click.option("--first-round", type=click.IntRange(1, 10**18), help="The first round's number.  [default: the time]")
@_misbehaviour_options
def sandbox_command(
    url: str,
    host: str,
    port: int,
    version: ContractVersion,
    seed: str,
    player: str | None,
    currency: str,
    rounds: int | None,
    and_exit: bool,  # noqa: FBT001 - click passes flags so
    state: Path | None,
    pause: float,
    first_round: int | None,
    **probabilities: float,
) -> None:
    """Play Lucky Monaco's part against a wallet, with the same WALLET_* credentials.

    It takes CancelRound and the history's reads as they do, and what is asked of it at /sandbox (see the README).
    The options with P make it misbehave, with that probability from 0 to 1.
    """
    if rounds and not player:
        raise click.UsageError("--play needs a --player")
    if and_exit and not rounds:
        raise click.UsageError("--exit needs --play")
    settings = Settings.load()
    settings.require_secrets()
    try:
        sandbox = sandbox_for(
            settings,
            url,
            version,
            host=host,
            port=port,
            seed=seed,
            misbehaviour=Misbehaviour(**probabilities),
            pause=pause,
            first_round=first_round,
            state=state,
            on_message=lambda message: console.print(message_line(message), soft_wrap=True),
        )
    except (OSError, ValueError) as error:
        raise FaultError(str(error)) from None
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: sandbox.request_stop())
    _run(sandbox, player or "", currency, rounds, and_exit=and_exit)


def _run(sandbox: Sandbox, player: str, currency: str, rounds: int | None, *, and_exit: bool) -> None:
    listening = sandbox.start()
    try:
        console.print(f"The sandbox listens on {listening} (Ctrl-C stops it)", soft_wrap=True)
        if rounds:
            summary = sandbox.play(player, currency, rounds)
            states = ", ".join(f"{number} {state}" for state, number in sorted(summary.rounds.items()))
            console.print(
                f"Played with seed {summary.seed}: {states}; {summary.messages} messages, {summary.resends} of them "
                f"resends; {summary.violations} violations",
                soft_wrap=True,
            )
        if not and_exit:
            sandbox.wait()
    finally:
        sandbox.stop()
    for text in sandbox.journal.violation_texts:
        console.print(Text(f"VIOLATION {text}", style="red"), soft_wrap=True)
    if and_exit and sandbox.journal.violations:
        sys.exit(1)
