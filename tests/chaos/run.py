"""A run from beginning to end: load and faults at the same time, then calm, then the verdict."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep

from tests.chaos.actors import CURRENCY, POOR_BALANCE, Actor, Stage
from tests.chaos.books import check_books
from tests.chaos.broken import break_database
from tests.chaos.calls import Line, Writer
from tests.chaos.faults import NotDoneError, make
from tests.chaos.history import History, Options, faults_of
from tests.chaos.judge import judge, read_log
from tests.chaos.plan import LANES
from tests.chaos.stack import USUAL_LOSSES, Stack, stack_in
from tests.chaos.table import SANDBOX_PLAYERS, Table
from tests.conftest import SECRETS
from wallet_service.sandbox import Keys

__all__ = ["Verdict", "run"]

LINES_OF_AN_ACTOR = 6
PLAYERS_OF_AN_ACTOR = 3
RICH_BALANCE = Decimal(1_000_000)
LOOK_EVERY_S = 0.2
TOLD_EVERY_S = 30.0
SETTLE_WITHIN_S = 90.0
"""How long after the last fault calls are sent again. One that has no final answer by then is a violation."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended."""

    violations: list[str]
    counts: dict[str, int]
    short_of: list[str]
    """What it was to reach and did not."""


def run(options: Options, folder: Path, history: History) -> Verdict:
    """Make a run in a folder.

    Raises:
        Exception: the harness itself failed.

    """
    stage = Stage()
    with stack_in(folder, options.seed) as stack:
        opening = _open_wallets(stack, options.actors)
        with stack.postgres.connect() as connection:
            break_database(connection, options.broken)
        actors = _actors(stack, options, list(opening), stage)
        table = Table(stack, stage)
        history.show("everything is up; load and faults begin")
        stack.to_wallet.set(USUAL_LOSSES)
        tasks: list[Callable[[], None]] = [actor.play for actor in actors]
        tasks += [table.play, table.cancel]
        with ThreadPoolExecutor(len(tasks)) as load, ThreadPoolExecutor(len(LANES)) as lanes:
            try:
                playing = [load.submit(task) for task in tasks]
                making = [
                    lanes.submit(_make_faults, options, lane, stack, list(opening), stage, history) for lane in LANES
                ]
                _watch(options, stack, [*playing, *making], actors, history)
                stage.over.set()
                wait(making)
                stack.calm()
                table.misbehave_no_more()
                history.show("no more faults; what was not answered is sent again")
                stage.hopeless_at = monotonic() + SETTLE_WITHIN_S
            except BaseException:
                stage.hopeless_at = 0.0
                raise
            finally:
                stage.over.set()
            for task in (*playing, *making):
                task.result()
        played = [one for actor in actors for one in actor.played]
        history.show("everything settled; the books are checked")
        final = stack.balances(list(opening), CURRENCY)
        books = [*table.violations, *check_books(stack, played)]
        with stack.postgres.connect() as connection:
            log = read_log(connection, list(opening))
        violations = [*judge(played, log, opening, final), *books]
    counts = _counts(stack, actors, table, history)
    wanted = {"refunds": options.refunds, "faults": options.faults}
    short_of = [f"{counts[name]} of {number} {name}" for name, number in wanted.items() if counts[name] < number]
    return Verdict(violations, counts, short_of)


def _open_wallets(stack: Stack, actors: int) -> dict[str, Decimal]:
    balances = {}
    for actor in range(actors):
        for number in range(PLAYERS_OF_AN_ACTOR):
            is_poor = number == PLAYERS_OF_AN_ACTOR - 1
            balances[f"chaos-{actor}-{number}"] = POOR_BALANCE if is_poor else RICH_BALANCE
    stack.open_wallets(balances | dict.fromkeys(SANDBOX_PLAYERS, RICH_BALANCE), CURRENCY)
    return balances


def _actors(stack: Stack, options: Options, players: Sequence[str], stage: Stage) -> list[Actor]:
    writer = Writer(Keys(*SECRETS.values()))
    return [
        Actor(
            number,
            options.seed,
            [Line(stack.to_wallet.port, writer) for _ in range(LINES_OF_AN_ACTOR)],
            players[number * PLAYERS_OF_AN_ACTOR : (number + 1) * PLAYERS_OF_AN_ACTOR],
            stage,
        )
        for number in range(options.actors)
    ]


def _make_faults(
    options: Options, lane: str, stack: Stack, players: Sequence[str], stage: Stage, history: History
) -> None:
    for fault in faults_of(options, lane):
        if stage.over.wait(fault.quiet * options.quiet):
            return
        began = monotonic()
        try:
            what = make(fault, stack, players)
        except NotDoneError as error:
            history.fault(fault, began, str(error), done=False)
        else:
            history.fault(fault, began, what, done=True)


def _watch(
    options: Options, stack: Stack, tasks: Sequence[Future[None]], actors: Sequence[Actor], history: History
) -> None:
    """Wait until the run has done what it is for, its time is over, or a part of the harness fails.

    Meanwhile be the supervisor that every deployment has: a server that ended is started again.
    """
    began = told = monotonic()
    while monotonic() < began + options.seconds and not any(task.done() and task.exception() for task in tasks):
        refunds = sum(actor.refunds for actor in actors)
        faults = history.done.total()
        if (options.refunds or options.faults) and refunds >= options.refunds and faults >= options.faults:
            return
        if monotonic() > told + TOLD_EVERY_S:
            told = monotonic()
            history.show(f"{refunds} refunds, {faults} faults so far")
        stack.wallet.keep_up()
        sleep(LOOK_EVERY_S)


def _counts(stack: Stack, actors: Sequence[Actor], table: Table, history: History) -> dict[str, int]:
    played = [one for actor in actors for one in actor.played]
    calls = [call for one in played for call in one.calls]
    attempts = Counter(attempt.code for call in calls for attempt in call.attempts)
    return {
        "rounds": len(played),
        "refunds": sum(actor.refunds for actor in actors),
        "calls": len(calls),
        "messages": attempts.total(),
        "without an answer": attempts[None],
        "answered 998 or 997": attempts["998"] + attempts["997"],
        "sandbox rounds": table.rounds.total(),
        "rounds cancelled by the operator": table.cancellations["accepted"],
        "times the server gave up": stack.wallet.ended_by_itself,
        "faults": history.done.total(),
    }
