"""HTTP written by hand, byte for byte, and what comes back read by the rules alone: no client mends what is sent."""

import json
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

PATIENCE_S = 20.0
"""How long an answer may take before a test fails; none asserts that it takes less."""


@dataclass(frozen=True)
class Answered:
    """One answer, its header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """A connection to a server."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._came = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send, as far as the other side takes it: it may have answered and closed already."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def end(self) -> None:
        """Send no more."""
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self) -> Any:
        """Read the next final answer, an ``Answered``; ``None`` when the connection ends before it."""
        while True:
            head = self._until(b"\r\n\r\n")
            if head is None:
                return None
            line, *lines = head.decode("latin-1").split("\r\n")
            status = int(line.split(" ")[1])
            headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
            if status >= 200:
                return Answered(status, headers, self._exactly(int(headers["content-length"])))

    def rest(self) -> bytes:
        """Read until the connection ends, however it does."""
        return self._came + b"".join(iter(self._more, b""))

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self._came:
            if not self._take_more():
                assert not self._came, f"half an answer: {self._came[:200]!r}"
                return None
        part, _, self._came = self._came.partition(mark)
        return part

    def _exactly(self, length: int) -> bytes:
        while len(self._came) < length:
            assert self._take_more(), "half an answer"
        part, self._came = self._came[:length], self._came[length:]
        return part

    def _take_more(self) -> bool:
        more = self._more()
        self._came += more
        return bool(more)

    def _more(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""


def head(start: str | bytes, *lines: str | bytes) -> bytes:
    """Write a request's head. Texts are sent as Latin-1, which has every byte."""
    encoded = [line.encode("latin-1") if isinstance(line, str) else line for line in (start, *lines)]
    return b"\r\n".join(encoded) + b"\r\n\r\n"


def post(path: str, body: bytes, *lines: str | bytes, length: int | None = None) -> bytes:
    """Write a whole POST of JSON. ``length`` is what it says of itself, if that is not so."""
    announced = f"Content-Length: {len(body) if length is None else length}"
    return head(f"POST {path} HTTP/1.1", "Host: wallet", "Content-Type: application/json", announced, *lines) + body
