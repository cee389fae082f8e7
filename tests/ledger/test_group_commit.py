"""Calls that wait together, applied by one statement: as if each had come alone."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from functools import partial
from threading import Event
from time import sleep
from typing import TYPE_CHECKING

import pytest
from psycopg.errors import LockNotAvailable
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Player, as_owner
from wallet_service.database import (
    ImpatientConnection,
    create_group_engine,
    create_migration_engine,
    create_read_engine,
    create_wallet_engine,
)
from wallet_service.ledger.audit import audit
from wallet_service.ledger.calls import Balance
from wallet_service.ledger.group_commit import GroupCommit, WaitedTooLongError
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable

AT_MOST = 8


def await_waiting(queue, number):
    while queue.waiting < number:
        sleep(0.001)


def in_turn(apply, *, patience=30):
    """Run work 0 and, while that is under way, 1 to 7, three at most; return the groups and what became of each."""
    started, may_end = Event(), Event()
    groups = []

    def gated(group):
        groups.append(group)
        if len(groups) == 1:
            started.set()
            assert may_end.wait(30)
        return apply(group)

    together = GroupCommit(gated, at_most=3, at_once=1, patience=patience)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(together.apply, 0)]
        assert started.wait(30)
        for number in range(1, 8):
            futures.append(pool.submit(together.apply, number))
            await_waiting(together, number)
        may_end.set()
        return groups, [future.exception() or future.result() for future in futures]


def test_the_first_waits_for_nobody_and_what_comes_meanwhile_goes_together_in_order():
    groups, results = in_turn(lambda group: [number * 10 for number in group])
    assert groups == [[0], [1, 2, 3], [4, 5, 6], [7]]
    assert results == [0, 10, 20, 30, 40, 50, 60, 70]


def test_a_group_that_failed_gives_no_results_and_the_next_one_does():
    groups, results = in_turn(lambda group: [] if 2 in group else group)
    assert groups == [[0], [1, 2, 3], [4, 5, 6], [7]]
    assert results == [0, None, None, None, 4, 5, 6, 7]


def test_what_a_group_left_undone_has_no_result():
    _, results = in_turn(lambda group: [None if number % 2 else number for number in group])
    assert results == [0, None, 2, None, 4, None, 6, None]


def test_what_waited_too_long_is_not_begun():
    groups, results = in_turn(lambda group: group, patience=0)
    assert groups == [[0]]
    assert results[0] == 0
    assert [type(result) for result in results[1:]] == [WaitedTooLongError] * 7


def test_an_exception_is_raised_once_and_the_turn_goes_on():
    fault = RuntimeError("a fault of ours")

    def apply(group):
        if 2 in group:
            raise fault
        return group

    _, results = in_turn(apply)
    assert results == [0, fault, None, None, 4, 5, 6, 7]


@pytest.fixture
def group_engine(database_url):
    engine = create_group_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def together(engine, group_engine):
    """Apply calls by one statement: the first by itself, the others while that is held up before it is sent."""

    def apply(first, *calls):
        ledger = Ledger(engine, group_engine=group_engine, calls_together=AT_MOST)
        started, may_go = Event(), Event()

        def hold_up(*_):
            if not started.is_set():
                started.set()
                assert may_go.wait(30)

        event.listen(group_engine, "before_cursor_execute", hold_up)
        with ThreadPoolExecutor(1 + len(calls)) as pool:
            futures = [pool.submit(first, ledger)]
            assert started.wait(30)
            for number, call in enumerate(calls, 1):
                futures.append(pool.submit(call, ledger))
                await_waiting(ledger, number)
            may_go.set()
        event.remove(group_engine, "before_cursor_execute", hold_up)
        return futures

    return apply


def by(player, name, *arguments, **named):
    """Return a call of the player's, as a function of the ledger that applies it."""
    return lambda ledger: getattr(replace(player, ledger=ledger), name)(*arguments, **named)


def test_a_refusal_in_a_group_touches_no_other_call(together, new_player):
    rich, poor, other = new_player(), new_player("1"), new_player()
    receipts = [
        future.result()
        for future in together(
            by(other, "bet", "1"),
            by(rich, "bet", "10"),
            by(poor, "bet", "10"),
            by(rich, "bet", "10"),
            by(rich, "refund", "r1"),
        )
    ]
    outcomes = [receipt.outcome for receipt in receipts]
    assert outcomes == [
        Outcome.APPLIED,
        Outcome.APPLIED,
        Outcome.INSUFFICIENT_BALANCE,
        Outcome.REPLAYED,
        Outcome.APPLIED,
    ]
    assert receipts[1].transaction_id == receipts[3].transaction_id
    assert rich.log() == [("bet", Decimal(-10)), ("refund", Decimal(10))]
    assert poor.log() == []


def test_an_error_in_a_group_touches_no_other_call(together, new_player):
    first, wrong, right = new_player(), new_player(), new_player()
    _, failed, *others = together(
        by(first, "bet", "1"),
        by(wrong, "win", "jackpot_win", "1e25"),  # beyond any balance: the database raises an error
        by(right, "bet", "10"),
        by(wrong, "bet", "10"),
    )
    assert isinstance(failed.exception(), DBAPIError)
    assert [future.result().outcome for future in others] == [Outcome.APPLIED] * 2
    assert (wrong.log(), right.log()) == ([("bet", Decimal(-10))], [("bet", Decimal(-10))])


def test_a_stuck_wallet_in_a_group_holds_up_no_other_call(together, new_player, database_url):
    first, stuck, right = new_player(), new_player(), new_player()
    answered = Event()
    holder = create_wallet_engine(as_owner(database_url), connections=1)

    def bet(ledger):
        receipt = replace(right, ledger=ledger).bet("10")
        answered.set()
        return receipt

    def bet_of_the_stuck(ledger):
        return replace(stuck, ledger=ledger).bet("10")

    with holder.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        connection.execute(text("SELECT FROM wallets WHERE user_id = :user FOR UPDATE"), {"user": stuck.user_id})

        def release():
            assert answered.wait(30), "the others are answered while the wallet is still locked"
            connection.rollback()

        with ThreadPoolExecutor(1) as pool:
            released = pool.submit(release)
            _, held_up, other = together(by(first, "bet", "1"), bet_of_the_stuck, bet)
            released.result()
    holder.dispose()
    assert other.result().outcome is Outcome.APPLIED
    assert held_up.result().outcome is Outcome.APPLIED
    assert stuck.log() == right.log() == [("bet", Decimal(-10))]


def test_a_call_of_its_own_whose_wallet_is_stuck_lets_the_others_pass(engine, group_engine, new_player, database_url):
    ledger = Ledger(engine, group_engine=group_engine, calls_together=AT_MOST)
    stuck, others = new_player(), [new_player() for _ in range(5)]
    holder = create_wallet_engine(as_owner(database_url), connections=1)
    with (
        holder.connect().execution_options(isolation_level="READ COMMITTED") as connection,
        ThreadPoolExecutor(1) as pool,
    ):
        connection.execute(text("SELECT FROM wallets WHERE user_id = :user FOR UPDATE"), {"user": stuck.user_id})
        held_up = pool.submit(replace(stuck, ledger=ledger).bet, "10")
        while not connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert not held_up.done()
        assert [replace(other, ledger=ledger).bet("10").outcome for other in others] == [Outcome.APPLIED] * 5
        assert not held_up.done()
        connection.rollback()
        assert held_up.result().outcome is Outcome.APPLIED
    holder.dispose()


def test_a_row_that_somebody_holds_is_no_silence_of_the_database(engine, new_player, database_url):
    patient = create_wallet_engine(database_url, connections=1)  # as behind a pooler, which drops the shorter patience
    ledger = Ledger(engine, group_engine=patient, calls_together=AT_MOST, pooled=True)
    player = new_player()
    refused = Balance(player.user_id, "XXX", "{}")
    assert ledger.apply(refused).outcome is Outcome.WALLET_UNKNOWN
    holder = create_wallet_engine(as_owner(database_url), connections=1)
    with holder.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        connection.execute(text("SELECT FROM refusals WHERE user_id = :user FOR UPDATE"), {"user": player.user_id})
        event.listen(patient, "handle_error", lambda _context: connection.rollback())
        assert ledger.apply(refused).outcome is Outcome.WALLET_UNKNOWN
    holder.dispose()
    patient.dispose()


def test_a_fault_in_a_group_is_no_call_s_answer(together, group_engine, new_player):
    first, *others = [new_player() for _ in range(4)]
    met = []

    def fail_once(_connection, _cursor, sql, *_):
        if "apply_calls" in sql:
            met.append(sql)
            raise RuntimeError("a fault of ours")

    event.listen(group_engine, "before_cursor_execute", fail_once)
    futures = together(by(first, "bet", "1"), *(by(player, "bet", "1") for player in others))
    assert [future.result().outcome for future in futures] == [Outcome.APPLIED] * 4
    assert len(met) == 1


def test_the_groups_keep_their_connection_until_it_breaks(engine, group_engine, new_player, database_url):
    ledger = Ledger(engine, group_engine=group_engine, calls_together=AT_MOST)
    connections: list[ImpatientConnection] = []
    taken: list[object] = []
    event.listen(group_engine, "connect", lambda connection, _record: connections.append(connection))
    event.listen(group_engine, "checkout", lambda connection, *_: taken.append(connection))
    player = replace(new_player(), ledger=ledger)

    def bet(number):
        return player.bet("1", reference=f"b{number}").outcome

    assert [bet(number) for number in range(3)] == [Outcome.APPLIED] * 3
    assert taken == connections * 2, "a new one is given back once, then kept"
    assert connections[0].give_up_at is None, "only a connection's first call pays for its making"

    def fail_once(*_):
        event.remove(group_engine, "before_cursor_execute", fail_once)
        raise RuntimeError("a fault of ours")

    event.listen(group_engine, "before_cursor_execute", fail_once)
    assert [bet(number) for number in range(7, 10)] == [Outcome.APPLIED] * 3
    assert taken == connections * 3, "given back after a fault, then taken again and kept"

    with player.engine.connect() as connection:  # as the same role, which may end it
        connection.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": connections[0].info.backend_pid})
    assert [bet(number) for number in range(3, 6)] == [Outcome.APPLIED] * 3
    assert taken[3:] == connections[1:] * 2
    assert len(connections) == 2
    assert connections[0].closed

    group_engine.dispose()
    assert connections[1].closed
    assert bet(6) is Outcome.APPLIED
    assert player.log() == [("bet", Decimal(-1))] * 10


def test_a_slow_database_applies_what_it_can_together_and_the_rest_by_itself(new_database):
    url = new_database()
    migrate(as_owner(url))
    engine, group_engine = create_wallet_engine(url, connections=AT_MOST), create_group_engine(url)
    with create_migration_engine(as_owner(url)).begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(0.25); RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER a_slow BEFORE INSERT ON transactions FOR EACH ROW EXECUTE FUNCTION slow()"
        )
    ledger = Ledger(engine, group_engine=group_engine, calls_together=AT_MOST)
    players = [Player(f"p{number}", ledger, engine) for number in range(AT_MOST)]
    for player in players:
        player.open("USD", "1000")
    with ThreadPoolExecutor(AT_MOST) as pool:
        receipts = list(pool.map(lambda player: player.bet("1"), players))
    assert [receipt.outcome for receipt in receipts] == [Outcome.APPLIED] * AT_MOST
    for one in (engine, group_engine):
        one.dispose()


def test_two_workers_apply_groups_of_the_same_players_without_a_deadlock(new_database):
    url = new_database()
    migrate(as_owner(url))
    engines = [create_wallet_engine(url, connections=4) for _ in range(2)]
    group_engines = [create_group_engine(url) for _ in range(2)]
    statements: Counter[str] = Counter()
    for engine in (*engines, *group_engines):
        event.listen(engine, "before_cursor_execute", lambda _c, _cur, sql, *_: statements.update([sql.split("(")[0]]))
    ledgers = [
        Ledger(engine, group_engine=group_engine, calls_together=AT_MOST)
        for engine, group_engine in zip(engines, group_engines, strict=True)
    ]
    failures = []

    def note(context):
        if not isinstance(context.original_exception, LockNotAvailable):  # that one goes by itself
            failures.append(context.original_exception)

    for engine in (*engines, *group_engines):
        event.listen(engine, "handle_error", note)
    players = [Player(f"p{number}", ledgers[0], engines[0]) for number in range(6)]
    for player in players:
        player.open("USD", "1000")
    players[0].freeze()

    def play(thread):
        dice = random.Random(thread)
        outcomes = []
        for turn in range(60):
            player = replace(dice.choice(players), ledger=ledgers[thread % 2])
            round_id, reference = f"r{dice.randrange(40)}", f"b{thread}-{turn}"
            calls: list[Callable[[], Receipt]] = [
                partial(player.bet, "1", round_id=round_id, reference=reference),
                partial(player.result, "2", round_id=round_id, reference=reference),
                partial(player.refund, round_id),
                partial(player.cancel, reference, round_id=round_id),
                player.check,
            ]
            outcomes.append(dice.choice(calls)().outcome)
        return outcomes

    with ThreadPoolExecutor(24) as pool:
        outcomes = Counter(outcome for thread in pool.map(play, range(24)) for outcome in thread)
    assert outcomes.total() == 24 * 60
    assert failures == []
    assert statements.total() < 24 * 60, "calls were applied together"
    reads = create_read_engine(url)
    with reads.connect() as connection:
        deadlocks = connection.scalar(text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
        assert (deadlocks, audit(connection).findings) == (0, [])
    for engine in (*engines, *group_engines, reads):
        engine.dispose()
