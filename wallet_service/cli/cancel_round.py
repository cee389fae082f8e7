"""The command that cancels one round, and watches the money come back."""

import sys
from dataclasses import dataclass

import click
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from wallet_service.cancelling import AnswerNotRecordedError, Asked, Canceller, await_refund, record_of
from wallet_service.cli.arguments import GAME, ROUND, USER, by_whom, reason_option
from wallet_service.cli.database import opened_database
from wallet_service.cli.output import FaultError, console
from wallet_service.database import create_read_engine, create_wallet_engine
from wallet_service.ledger.cancellation_reads import CancellationRow
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.money import format_money
from wallet_service.ledger.outcomes import Outcome
from wallet_service.ledger.reads import open_reviews, wallets_of
from wallet_service.ledger.round_reads import round_of
from wallet_service.lucky_monaco import Answer, connect_lucky_monaco

__all__ = ["cancel_round_command"]

EXIT_CODES = {"refunded": 0, "accepted": 0, "overdue": 0, "refused": 1, "unknown": 2, "requested": 2}
"""Of a cancellation's states."""


ANSWERS = {
    Answer.ACCEPTED: "Lucky Monaco accepted",
    Answer.REFUSED: "Lucky Monaco refused",
    Answer.UNKNOWN: "Lucky Monaco did not answer",
}
TIME_FORMAT = "%Y-%m-%d %H:%M:%S %Z"


@dataclass(frozen=True)
class Case:
    """What a cancellation is about, and where to look for how it goes."""

    reads: Engine
    user_id: str
    round_id: str | None
    game_id: str | None

    @property
    def subject(self) -> str:
        """Name it for a person."""
        what = f"Round {self.round_id}" if self.round_id else f"Every open round in {self.game_id}"
        return f"{what} of {self.user_id}"

    def look(self) -> CancellationRow:
        """Return the record as it stands."""
        return record_of(self.reads, self.user_id, self.round_id, self.game_id)


@click.command("cancel-round")
@click.argument("user", type=USER)
@click.argument("round_id", metavar="[ROUND]", type=ROUND, required=False)
@click.option("--game", "game_id", type=GAME, help="The round's game; unless given, the one that its bet named.")
@click.option("--all-rounds", is_flag=True, help="Instead of ROUND: every open round in --game (V4 only).")
@reason_option("--reason")
@click.option(
    "--wait", default=60, show_default=True, type=click.IntRange(0, 3600), help="Seconds to await the refund."
)
@click.option("--no-wait", is_flag=True, help="Come back with Lucky Monaco's answer.")
def cancel_round_command(
    user: str,
    round_id: str | None,
    game_id: str | None,
    reason: str,
    wait: int,
    *,
    all_rounds: bool,
    no_wait: bool,
) -> None:
    """Ask Lucky Monaco to void USER's ROUND, and wait for the refund.

    Exits with 0 when it was accepted or is refunded, 1 when it was refused, 2 when that is not known.
    """
    if all_rounds == (round_id is not None):
        raise click.UsageError("name a ROUND, or --all-rounds with --game")
    if all_rounds and game_id is None:
        raise click.UsageError("--all-rounds needs --game")
    settings = opened_database()
    reads = create_read_engine(settings.database_url)  # what is asked for must be there at once: no standby
    if round_id is not None:
        with reads.connect() as connection:
            known = round_of(connection, user, round_id)
        game_id = game_id or (known.game_id if known else None)
    case = Case(reads, user, round_id, game_id)
    ledger = Ledger(create_wallet_engine(settings.database_url, connections=1))
    with connect_lucky_monaco(settings) as lucky_monaco:
        canceller = Canceller(ledger, lucky_monaco, settings.refund_overdue_minutes)
        try:
            asked = canceller.ask(user, round_id, game_id, by_whom=by_whom(), why=reason)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        except AnswerNotRecordedError as error:
            raise FaultError(str(error)) from None
    sys.exit(_tell(case, asked, 0 if no_wait else wait))


def _tell(case: Case, asked: Asked, wait: int) -> int:
    """Tell a person how it ended, after waiting for the refund where one is to come; return the exit code."""
    if asked.receipt.outcome is Outcome.PLAYER_UNKNOWN:
        raise click.ClickException(f"no player {case.user_id!r}")
    if asked.receipt.outcome is Outcome.REPLAYED:
        _say(f"{case.subject} was refunded already, by {asked.receipt.transaction_id}.")
        return 0
    try:
        record = _watch(case, asked, wait)
    except (DBAPIError, KeyboardInterrupt):
        if asked.reply is None:
            raise
        _say("The wait has ended early. Look with: wallet-service cancellations")
        return EXIT_CODES[asked.reply.answer]
    if record.state == "refunded":
        _say(f"{case.subject} is refunded by {record.refund_id}.")
        _say_balances(case)
    elif record.state == "refused":
        _say(f"{case.subject} is not cancelled; nothing changed in the wallet.")
    elif record.state in {"accepted", "overdue"}:
        _say(f"The refund has not come yet; it is overdue from {record.due_at:{TIME_FORMAT}}.")
        _say_review(case)
    else:
        _say("It is not known whether Lucky Monaco took it, and the refund may still come.")
        _say("Look with: wallet-service cancellations; or ask again.")
    return EXIT_CODES[record.state]


def _watch(case: Case, asked: Asked, wait: int) -> CancellationRow:
    """Tell the answer and show a countdown until nothing more is awaited; return the record as it is then."""
    if asked.reply is not None:
        _say(f"{ANSWERS[asked.reply.answer]}: {f'{asked.reply.code} {asked.reply.message}'.strip()}.")
    record = case.look()
    if asked.receipt.outcome is Outcome.CANCELLATION_UNDER_WAY:
        _say(f"Asked for already by {record.by_whom} at {record.asked_at:{TIME_FORMAT}}: {record.why}")
    with console.status("") as countdown:
        for record, left in await_refund(case.look, wait):
            what = "The refund" if record.state == "accepted" else "Lucky Monaco's answer"
            countdown.update(f"{what} is awaited … {left:.0f} s")
    return record


def _say_balances(case: Case) -> None:
    with case.reads.connect() as connection:
        if case.round_id is not None and (the_round := round_of(connection, case.user_id, case.round_id)):
            _say(f"{format_money(the_round.refunded)} {the_round.currency} came back.")
        for wallet in wallets_of(connection, case.user_id):
            _say(f"{case.user_id} has {format_money(wallet.balance)} {wallet.currency} now.")


def _say_review(case: Case) -> None:
    with case.reads.connect() as connection:
        waiting = [row for row in open_reviews(connection, user_id=case.user_id) if row.round_id == case.round_id]
    if waiting:
        _say(f"The round waits for a decision: wallet-service reviews list --user {case.user_id}")


def _say(line: str) -> None:
    # What Lucky Monaco and people wrote is text, and a line is never broken within an id.
    console.print(line, markup=False, soft_wrap=True)
