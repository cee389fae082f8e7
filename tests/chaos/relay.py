"""A TCP relay between two that believe they speak to each other, in a process of its own, and what it does to them.

Each line on its standard input is JSON: what the weather is from now on, or ``"cut"``. It ends with that input.
"""

import asyncio
import json
import subprocess
import sys
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

__all__ = ["Relay", "Weather"]

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Weather:
    """What befalls what passes. ``lost_answers`` and ``half_requests`` are probabilities for each piece of it."""

    refused: bool = False
    """New connections are closed at once."""
    silent: bool = False
    """Nothing passes, and goes on its way later."""
    delay: float = 0.0
    """Seconds that each piece waits."""
    lost_answers: float = 0.0
    """The answer is thrown away and the connection closed: the call was served, and its caller does not know."""
    half_requests: float = 0.0
    """Half of it passes, and the connection is closed."""


class Relay:
    """A relay from a port of its own to another one of this machine."""

    def __init__(self, port: int, target: int, seed: str) -> None:
        """Start it."""
        self.port = port
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.relay", str(port), str(target), seed],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def set(self, weather: Weather) -> None:
        """Change the weather."""
        self._say(asdict(weather))

    def cut(self) -> None:
        """Break all connections, without a good-bye."""
        self._say("cut")

    def stop(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)

    def _say(self, what: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(what)}\n")
        self._process.stdin.flush()


class Side(asyncio.Protocol):
    """One end of a connection; what comes in here goes out at its peer."""

    def __init__(self, field: "Field", peer: "Side | None" = None) -> None:
        self.field = field
        self.peer = peer
        self.is_target = peer is not None
        self.transport: asyncio.Transport | None = None
        self.waiting: deque[bytes] = deque()
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.field.sides.add(self)
        if self.peer:
            self.peer.peer = self
            self.peer.go_on()
        elif self.field.weather.refused:
            transport.abort()
        else:
            self.task = asyncio.create_task(self.connect())

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: Side(self.field, self), "127.0.0.1", self.field.target)
        except OSError:
            self.abort()
        self.task = None
        self.go_on()

    def data_received(self, data: bytes) -> None:
        if not self.waiting and self.field.is_calm and self.peer and self.peer.transport and not self.task:
            self.peer.transport.write(data)
        else:
            self.waiting.append(data)
            self.go_on()

    def go_on(self) -> None:
        if self.waiting and self.peer and not self.task:
            self.task = asyncio.create_task(self.pass_on())

    async def pass_on(self) -> None:
        while self.waiting:
            await asyncio.sleep(self.field.weather.delay)
            await self.field.audible.wait()
            if not self.waiting or not self.peer:
                break  # cut off meanwhile
            data, weather, chance = self.waiting.popleft(), self.field.weather, self.field.random.random()
            if self.is_target and chance < weather.lost_answers:
                self.abort()
            elif self.peer.transport and not self.is_target and chance < weather.half_requests:
                self.peer.transport.write(data[: len(data) // 2])
                self.peer.transport.close()
                self.abort(with_peer=False)
            elif self.peer.transport:
                self.peer.transport.write(data)
        self.task = None

    def connection_lost(self, _error: Exception | None) -> None:
        self.field.sides.discard(self)
        if self.peer and self.peer.transport and not self.waiting:
            self.peer.transport.close()

    def abort(self, *, with_peer: bool = True) -> None:
        self.waiting.clear()
        if self.transport:
            self.transport.abort()
        if with_peer and self.peer and self.peer.transport:
            self.peer.transport.abort()


class Field:
    """All connections of a relay, and the weather over them."""

    def __init__(self, target: int, seed: str) -> None:
        self.target = target
        self.random = Random(seed)
        self.sides: set[Side] = set()
        self.audible = asyncio.Event()
        self.set(Weather())

    def set(self, weather: Weather) -> None:
        self.weather = weather
        self.is_calm = weather in {Weather(), Weather(refused=True)}
        if weather.silent:
            self.audible.clear()
        else:
            self.audible.set()

    def hear(self, line: bytes) -> None:
        command = json.loads(line)
        if command == "cut":
            for side in list(self.sides):
                side.abort()
        else:
            self.set(Weather(**command))


async def relay(port: int, target: int, seed: str) -> None:
    """Relay until the standard input ends."""
    loop = asyncio.get_running_loop()
    field = Field(target, seed)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    await loop.create_server(lambda: Side(field), "127.0.0.1", port, backlog=1024)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while line := await commands.readline():
        field.hear(line)


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
