"""Players who bet and have each round refunded; each call is sent again until its answer is final, as LM does."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from threading import Condition, Event
from typing import Any

import httpx

from tests.conftest import Service
from tests.test_backup import call_of

__all__ = ["Callers"]

AGAIN = {997, 998}
WITHIN_S = 60


class Callers:
    """So many callers, each for a player of its own: ``p0``, ``p1`` and so on."""

    def __init__(self, service: Service, number: int) -> None:
        """Call the service."""
        self._service = service
        self._number = number
        self.players = [f"p{caller}" for caller in range(number)]
        self.acknowledged: dict[tuple[str, str], str] = {}
        """The transaction that each acknowledged call was told, by player and reference."""
        self.sent: set[tuple[str, str]] = set()
        self.refused: list[Any] = []
        """Answers that none of these calls may get."""
        self._changed = Condition()
        self._over = Event()

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Let all of them play meanwhile."""
        with ThreadPoolExecutor(self._number) as pool:
            playing = [pool.submit(self._play, caller) for caller in range(self._number)]
            try:
                yield
            finally:
                self._over.set()
            for one in playing:
                one.result()

    def wait_for_more(self, number: int) -> None:
        """Wait until so many more calls are acknowledged."""
        with self._changed:
            wanted = len(self.acknowledged) + number
            assert self._changed.wait_for(lambda: len(self.acknowledged) >= wanted, WITHIN_S), self.refused

    def lost(self, log: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
        """Return the acknowledged calls that the log has not, or not as they were acknowledged."""
        return {key for key, transaction in self.acknowledged.items() if log.get(key) != transaction}

    def check(self, log: dict[tuple[str, str], str]) -> None:
        """Check that the log has what was acknowledged, as it was acknowledged, and nothing that was not sent."""
        assert self.refused == [], self.refused
        assert not self.lost(log), self.lost(log)
        assert log.keys() <= self.sent, log.keys() - self.sent

    def _play(self, caller: int) -> None:
        for number in count():
            for call, body in (call_of("Bet", caller, number), call_of("Refund", caller, number)):
                key = (body["userId"], body["reference"])
                self.sent.add(key)
                transaction = self._settle(call, body)
                if transaction is None:
                    return
                with self._changed:
                    self.acknowledged[key] = transaction
                    self._changed.notify_all()

    def _settle(self, call: str, body: dict[str, str]) -> str | None:
        while not self._over.is_set():
            try:
                answer = self._service.v4_02(call, body).json()
            except httpx.TransportError:
                continue
            if answer["error"] == 0:
                return str(answer["transactionId"])
            if answer["error"] not in AGAIN:
                self.refused.append((call, body, answer))
                return None
        return None
