"""What each kind of fault does to a run. A fault is over, and what it ended is up again, when its function returns."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from time import sleep

import psutil
import psycopg
from psycopg import errors

from tests.chaos.plan import KINDS, Fault
from tests.chaos.postgres import ROLE
from tests.chaos.relay import Weather
from tests.chaos.stack import USUAL_LOSSES, Stack

__all__ = ["NotDoneError", "make"]

DELAY_S = (0.01, 0.25)
TERMINATED = 4
"""Backends that one fault ends or stops at most."""
ROUNDS_LOCKED = 200
HOLDER_OPTIONS = "SET lock_timeout = '500ms'"


class NotDoneError(Exception):
    """There was nothing to do it to: another fault was quicker."""


def make(fault: Fault, stack: Stack, players: Sequence[str]) -> str:
    """Make a fault, wait until it is over, and return what was done, in a few words.

    Raises:
        NotDoneError: it could not be made.

    """
    try:
        return FAULTS[fault.kind](fault, stack, Random(fault.chance), players)
    except (psycopg.OperationalError, psutil.NoSuchProcess) as error:
        raise NotDoneError(str(error).partition("\n")[0]) from error


def _some(processes: Sequence[psutil.Process], random: Random, most: int) -> list[psutil.Process]:
    if not processes:
        raise NotDoneError("no such process")
    return random.sample(processes, random.randint(1, min(most, len(processes))))


def _numbers(processes: Sequence[psutil.Process]) -> str:
    return " ".join(str(process.pid) for process in processes)


def _stopped(processes: Sequence[psutil.Process], seconds: float) -> str:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        sleep(seconds)
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()
    return _numbers(processes)


def kill_worker(_fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Kill -9 a worker; the server starts another."""
    [worker] = _some(stack.wallet.workers(), random, 1)
    worker.kill()
    return _numbers([worker])


def kill_server(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Kill -9 the server, alone or with its workers; it is started again."""
    whole = random.random() < 1 / 2
    stack.wallet.kill(whole=whole)
    sleep(fault.seconds)
    stack.wallet.start("/healthz")
    return "with its workers" if whole else "alone"


def terminate_backends(_fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """End some of the database's backends, as an administrator does."""
    backends = _some(stack.postgres.backends(), random, TERMINATED)
    for backend in backends:
        with suppress(psutil.NoSuchProcess):
            backend.terminate()
    return _numbers(backends)


def kill_backend(_fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Kill -9 a backend: PostgreSQL ends all others, too, and recovers."""
    [backend] = _some(stack.postgres.backends(), random, 1)
    backend.kill()
    stack.postgres.start()
    return _numbers([backend])


def kill_postgres(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Kill -9 the postmaster, alone or with all its processes; it is started again and recovers."""
    whole = random.random() < 1 / 2
    stack.postgres.kill(whole=whole)
    sleep(fault.seconds)
    stack.postgres.start()
    return "with all its processes" if whole else "the postmaster"


def stop_worker(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Stop one worker for a while, or both."""
    return _stopped(_some(stack.wallet.workers(), random, 2), fault.seconds)


def stop_backends(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Stop backends for a while, whatever locks they hold."""
    return _stopped(_some(stack.postgres.backends(), random, TERMINATED), fault.seconds)


def stop_postgres(fault: Fault, stack: Stack, _random: Random, _players: Sequence[str]) -> str:
    """Stop all of PostgreSQL for a while."""
    return _stopped(stack.postgres.processes(), fault.seconds)


def cut_database(fault: Fault, stack: Stack, _random: Random, _players: Sequence[str]) -> str:
    """Break all connections to the database, and let none through for a while."""
    stack.to_database.set(Weather(refused=True))
    stack.to_database.cut()
    sleep(fault.seconds)
    stack.to_database.set(Weather())
    return ""


def silence_database(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Let nothing pass to the database and back for a while; then all of it, or nothing of it ever."""
    lost = random.random() < 1 / 2
    stack.to_database.set(Weather(silent=True))
    sleep(fault.seconds)
    if lost:
        stack.to_database.cut()
    stack.to_database.set(Weather())
    return "and cut" if lost else ""


def delay_database(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Make the way to the database long."""
    delay = random.uniform(*DELAY_S)
    stack.to_database.set(Weather(delay=delay))
    sleep(fault.seconds)
    stack.to_database.set(Weather())
    return f"by {delay:.2f} s"


def lose_database_answers(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Lose answers of the database: it has committed, and the wallet does not know."""
    share = random.uniform(0.05, 0.5)
    stack.to_database.set(Weather(lost_answers=share))
    sleep(fault.seconds)
    stack.to_database.set(Weather())
    return f"{share:.0%}"


def cut_callers(fault: Fault, stack: Stack, _random: Random, _players: Sequence[str]) -> str:
    """Break all connections to the wallet, and let none through for a while."""
    stack.to_wallet.set(Weather(refused=True))
    stack.to_wallet.cut()
    sleep(fault.seconds)
    stack.to_wallet.set(USUAL_LOSSES)
    return ""


def lose_answers(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Lose answers of the wallet: the call is served, and its caller does not know."""
    share = random.uniform(0.1, 0.7)
    stack.to_wallet.set(Weather(lost_answers=share))
    sleep(fault.seconds)
    stack.to_wallet.set(USUAL_LOSSES)
    return f"{share:.0%}"


def halve_requests(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Let half a request through, and break the connection."""
    share = random.uniform(0.1, 0.7)
    stack.to_wallet.set(Weather(half_requests=share))
    sleep(fault.seconds)
    stack.to_wallet.set(USUAL_LOSSES)
    return f"{share:.0%}"


def delay_callers(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Make the way to the wallet long."""
    delay = random.uniform(*DELAY_S)
    stack.to_wallet.set(Weather(delay=delay))
    sleep(fault.seconds)
    stack.to_wallet.set(USUAL_LOSSES)
    return f"by {delay:.2f} s"


def fill_connections(fault: Fault, stack: Stack, random: Random, _players: Sequence[str]) -> str:
    """Take every connection that the database has to give, some of them from the wallet, and keep them for a while."""
    held: list[psycopg.Connection[object]] = []
    try:
        for backend in _some(stack.postgres.backends(), random, TERMINATED):
            with suppress(psutil.NoSuchProcess):
                backend.terminate()
        with suppress(errors.TooManyConnections, psycopg.OperationalError):
            while True:
                held.append(stack.postgres.connect(ROLE))
        sleep(fault.seconds)
    finally:
        for connection in held:
            connection.close()
    return f"{len(held)} of them"


def _held(fault: Fault, stack: Stack, lock: str, *values: object) -> None:
    """Hold a lock in a transaction of one's own for a while."""
    with stack.postgres.connect() as connection:
        connection.execute(HOLDER_OPTIONS)
        with suppress(errors.LockNotAvailable, errors.DeadlockDetected), connection.transaction(force_rollback=True):
            connection.execute(lock.encode(), values)
            sleep(fault.seconds)


def lock_wallets(fault: Fault, stack: Stack, random: Random, players: Sequence[str]) -> str:
    """Lock the wallets of some players elsewhere, or of all."""
    chosen = random.sample(players, random.randint(1, len(players)))
    _held(fault, stack, "SELECT FROM wallets WHERE user_id = ANY (%s) ORDER BY user_id FOR UPDATE", chosen)
    return f"of {len(chosen)} players"


def lock_rounds(fault: Fault, stack: Stack, _random: Random, _players: Sequence[str]) -> str:
    """Lock the latest rounds elsewhere."""
    _held(fault, stack, "SELECT FROM rounds ORDER BY opened_at DESC LIMIT %s FOR UPDATE", ROUNDS_LOCKED)
    return ""


def lock_log(fault: Fault, stack: Stack, _random: Random, _players: Sequence[str]) -> str:
    """Lock the whole log against writing elsewhere."""
    _held(fault, stack, "LOCK TABLE transactions IN SHARE MODE")
    return ""


FAULTS: dict[str, Callable[[Fault, Stack, Random, Sequence[str]], str]] = {
    function.__name__: function
    for function in (
        kill_worker,
        kill_server,
        terminate_backends,
        kill_backend,
        kill_postgres,
        stop_worker,
        stop_backends,
        stop_postgres,
        cut_database,
        silence_database,
        delay_database,
        lose_database_answers,
        cut_callers,
        lose_answers,
        halve_requests,
        delay_callers,
        fill_connections,
        lock_wallets,
        lock_rounds,
        lock_log,
    )
}
assert FAULTS.keys() == KINDS.keys()
