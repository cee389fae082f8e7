"""A real server that is treated badly, and what must hold after each test: it is there, and not much larger."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import Player, Service
from tests.hostile.wire import Answered, Wire, post

DESK_KEY = "a secret key for tests, long enough"
OPERATOR_TOKEN = "platform-token"
MAY_GROW_BY = 192 * 2**20
"""Bytes of one worker over a whole file of tests. A generous bound: threads that have run once keep their arenas."""


def resident(service: Service) -> int:
    """Return how much memory the largest worker holds."""
    workers = psutil.Process(service.process.pid).children(recursive=True)
    return max(worker.memory_info().rss for worker in workers)


@pytest.fixture(scope="module")
def target(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The wallet with the desk and the operator's API beside it, as it is set up for many."""
    log = tmp_path_factory.mktemp("target") / "log"
    with log.open("w") as stderr:
        service = Service(
            database_url,
            stderr=stderr,
            WALLET_LOG_LEVEL="INFO",
            WALLET_OPERATOR_TOKEN=OPERATOR_TOKEN,
            WALLET_ADMIN_SECRET_KEY=DESK_KEY,
        )
        before = resident(service)
        yield service
        grown = resident(service) - before
        service.stop()
    assert grown < MAY_GROW_BY
    assert_clean(log)


def assert_clean(log: Path) -> None:
    """See that nothing sent was a fault of ours, and that no line of the log is long because of a sender."""
    for line in log.read_text(errors="replace").splitlines():
        if "listens on" in line:
            continue
        assert json.loads(line)["level"] not in {"error", "critical"}, line
        assert len(line) < 8192


@pytest.fixture
def say(target: Service) -> Callable[..., list[Answered]]:
    """Say something to the server on a connection of its own, end it, and return the answers, which must be sound."""

    def say(data: bytes, count: int) -> list[Answered]:
        with Wire(target.port) as wire:
            wire.send(data)
            found: list[Answered] = []
            while len(found) < count and (answer := wire.answer()):
                found.append(answer)
        for answer in found:
            assert_sound(answer)
        return found

    return say


def assert_sound(answer: Answered) -> None:
    """See that an answer is no fault, and JSON or nothing at all."""
    assert answer.status < 500 or answer.json()["error"] == {"code": "G.998", "message": "INTERNAL ERROR, RESEND"}
    assert not re.search(rb"<\s*(!doctype|html|body|a)\b", answer.body, re.IGNORECASE)
    if answer.body:
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()


@pytest.fixture(autouse=True)
def still_there(target: Service, player: Player) -> Iterator[None]:
    """After each test, a good call is answered."""
    yield
    assert balance_of(target, player) == "100.00"


def balance_body(player: Player) -> bytes:
    fields = {"userId": player.user_id, "providerId": "LM", "currency": "USD", "sessionId": "s", "uuid": "u"}
    return json.dumps(fields).encode()


BALANCE = "/v4/Balance?authToken=test-token"


def balance_of(service: Service, player: Player) -> str:
    with Wire(service.port) as wire:
        wire.send(post(BALANCE, balance_body(player)))
        answer = wire.answer()
    assert answer
    assert answer.json()["error"] == 0
    cash: str = answer.json()["cash"]
    return cash
