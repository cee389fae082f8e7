"""The product's own proofs after a run: what is left open is cancelled, then ``reconcile`` and ``audit`` look."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import monotonic, sleep

from psycopg import errors

from tests.chaos.actors import Played
from tests.chaos.calls import Call
from tests.chaos.server import command
from tests.chaos.stack import Stack
from tests.chaos.table import settings_for
from wallet_service.ledger.money import ZERO
from wallet_service.sandbox.rounds import Bet, Book, Fate, Round, State, Win

__all__ = ["check_books"]

SETTLE_WITHIN_S = 90


def check_books(stack: Stack, played: Sequence[Played]) -> Iterator[str]:
    """Settle what the sandbox has not finished, run the product's proofs, and yield what they find."""
    _restart_sandbox(stack, played)
    url, settings = stack.postgres.url(), settings_for(stack)
    yield from _unfinished(stack)
    stale = ("cancel-stale", "--older-than", "1s", "--limit", "100000", "--per-minute", "60000")
    cancelled = command(url, *stale, "--reason", "the run is over", "--yes", **settings)
    if cancelled.returncode:
        yield f"cancel-stale ends with {cancelled.returncode}\n{cancelled.stdout}{cancelled.stderr}"
    yield from _unfinished(stack)
    reconciled = command(url, "reconcile", "--from", "4h", **settings)
    if reconciled.returncode:
        yield f"reconcile ends with {reconciled.returncode}\n{reconciled.stdout}{reconciled.stderr}"
    audited = command(url, "audit")
    if audited.returncode:
        yield f"audit ends with {audited.returncode}\n{audited.stdout}{audited.stderr}"
    yield from _second_refund(stack)
    for violation in stack.sandbox.violations():
        yield f"the sandbox saw a {violation}"
    for fault in stack.wallet.faults():
        yield f"the wallet logged a fault of its own\n  {fault}"


def _restart_sandbox(stack: Stack, played: Sequence[Played]) -> None:
    """Start the sandbox again, which goes on with what it left, and with the harness's rounds in its book."""
    stack.sandbox.stop()
    book = Book.load(stack.sandbox.state)
    for one in played:
        if one.named("Refund"):
            book.add(_as_lucky_monaco_has_it(one))
    book.save(stack.sandbox.state)
    stack.sandbox.behave()
    stack.sandbox.start("/sandbox/rounds")


def _as_lucky_monaco_has_it(played: Played) -> Round:
    """Return a round as its callers know it from the answers."""
    cancelled = {call.reference for call in played.named("Cancel") if call.code == "0"}
    bets = tuple(
        Bet(bet.reference, bet.amount or ZERO, None, Fate.STANDING if _stands(bet, cancelled) else Fate.GONE)
        for bet in played.named("Bet")
    )
    wins = tuple(
        Win(result.reference, result.amount or ZERO, accepted=True)
        for result in played.named("Result")
        if result.code == "0"
    )
    void = played.is_refunded
    return replace(
        played.the_round, state=State.CANCELLED if void else State.COMPLETED, bets=bets, wins=() if void else wins
    )


def _stands(bet: Call, cancelled: set[str]) -> bool:
    return bet.code == "0" and bet.reference not in cancelled


def _unfinished(stack: Stack) -> Iterator[str]:
    """Wait until the sandbox has nothing under way, and yield what stays so."""
    deadline = monotonic() + SETTLE_WITHIN_S
    while True:
        rounds = json.loads(stack.sandbox.state.read_text())
        waiting = [one for one in rounds if one["refund_due"] or one["state"] == State.COMPLETE_IN_PROCESS]
        waiting += [
            one
            for one in rounds
            if one["state"] == State.IN_PROGRESS and any(bet["fate"] == Fate.SENT for bet in one["bets"])
        ]
        if not waiting:
            return
        if monotonic() > deadline:
            for one in waiting[:10]:
                yield f"the sandbox's round {one['round_id']} never settled: {one}"
            return
        sleep(0.5)


def _second_refund(stack: Stack) -> Iterator[str]:
    """Try to enter a second refund of a refunded round past the functions that would notice: the log must refuse it."""
    with stack.postgres.connect() as connection, connection.transaction(force_rollback=True):
        try:
            done = connection.execute(
                "SELECT post(t.user_id, gen_random_uuid(), 'refund', t.currency, t.round_id, 'again', NULL, 0, NULL,"
                " '{}') FROM transactions t WHERE t.call = 'refund' AND t.round_id IS NOT NULL LIMIT 1"
            ).fetchone()
        except errors.UniqueViolation:
            return
    if done:
        yield "the log takes a second refund of a round: only the wallet's lock stands between a player and two"
