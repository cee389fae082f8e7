"""Thousands of connections that say little or nothing."""

import resource
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from tests.hostile.conftest import balance_of
from tests.hostile.wire import Wire, head

CONNECTIONS = 3_000


@pytest.fixture
def room() -> Iterator[int]:
    """As many open files as the system allows, as each connection is one."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield min(CONNECTIONS, before[1] - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


SILENCES = {
    "nothing": b"",
    "half a request line": b"POST /v4/Bal",
    "half a head": b"POST /v4/Balance HTTP/1.1\r\nHost: x\r\nX-A: ",
}


@pytest.mark.parametrize("said", SILENCES.values(), ids=SILENCES)
def test_connections_that_say_less_than_a_head_cost_little(target, player, room, said):
    with ExitStack() as stack:
        for _ in range(room):
            stack.enter_context(Wire(target.port)).send(said)
        for _ in range(10):
            assert balance_of(target, player) == "100.00"


def test_connections_that_come_and_go(target, player):
    for number in range(CONNECTIONS):
        with Wire(target.port) as wire:
            wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + (b"\r\n" if number % 2 else b""))
    assert balance_of(target, player) == "100.00"
    workers = psutil.Process(target.process.pid).children(recursive=True)
    assert max(worker.num_fds() for worker in workers) < CONNECTIONS, "they are closed on this side too"


def test_answers_that_nobody_reads(target, player):
    with ExitStack() as stack:
        for _ in range(200):
            wire = stack.enter_context(Wire(target.port))
            wire.socket.settimeout(0)
            try:
                wire.socket.send(head("GET /admin/static/vendor/chart.umd.min.js HTTP/1.1", "Host: x") * 20)
            except BlockingIOError:
                continue
        for _ in range(10):
            assert balance_of(target, player) == "100.00"
