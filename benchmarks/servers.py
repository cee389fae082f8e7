"""The servers that are measured, each in processes of its own, and what they take of the machine."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Self

import psutil

HERE = Path(__file__).parent
PARTNER, TOKEN = "benchmark", "token-of-the-benchmark"
BIN = Path(sys.executable).parent
THREADS = 16
"""Of the empty view and of the usual way, in each worker; more made neither faster."""


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU seconds that a process and all below it have used, those of their ended children included."""
    used = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            used += sum(one.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue  # its parent has its time now
    return used


def core_seconds() -> tuple[float, float]:
    """Return the seconds of all cores since the machine started, and those of them that other machines had instead."""
    times = psutil.cpu_times()
    return sum(times[:8]), getattr(times, "steal", 0.0)  # guests' time is in that of the processes that run them


class Server:
    """A server under a URL, until it is left."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], port: int) -> None:
        """Start it."""
        self.name = name
        self.url = f"http://127.0.0.1:{port}/v4/METHOD?MEMB_ID={PARTNER}&HASH={TOKEN}"
        self._port = port
        self._popen = subprocess.Popen(  # noqa: S603 - ours
            command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=HERE
        )
        self.process = psutil.Process(self._popen.pid)

    def __enter__(self) -> Self:
        """Wait until it listens."""
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                if self._popen.poll() is not None:
                    raise RuntimeError(f"{self.name} does not start") from None
                sleep(0.05)
            else:
                return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self._popen.terminate()
        self._popen.wait()

    def memory(self) -> dict[int, int]:
        """Return the bytes of memory that each process has for itself and its share of what is common, by its id."""
        return {one.pid: int(one.memory_full_info().pss) for one in self.process.children(recursive=True)}


def wallet(database_url: str, workers: int) -> Server:
    """Return the wallet, as it is deployed."""
    port = free_port()
    environment = {
        "WALLET_DATABASE_URL": database_url,
        "WALLET_PARTNER_ID": PARTNER,
        "WALLET_PARTNER_TOKEN": TOKEN,
        "WALLET_HASH_SECRET": "secret-of-the-benchmark",
        # With it there are metrics, which workers then count in files.
        "WALLET_ADMIN_PORT": str(free_port()),
        "WALLET_ADMIN_SECRET_KEY": "key-of-the-benchmark-of-the-desk",
    }
    command = [str(BIN / "wallet-service"), "serve", "--port", str(port), "--workers", str(workers)]
    return Server("wallet", command, environment, port)


def empty_view(workers: int) -> Server:
    """Return a Flask view that answers a constant, on the wallet's server."""
    port = free_port()
    options = ["--interface", "wsgi", "--http", "1", "--no-ws", "--log-level", "error", "--factory"]
    threads = ["--workers", str(workers), "--blocking-threads", str(THREADS), "--port", str(port)]
    return Server("empty view", [str(BIN / "granian"), *options, *threads, "empty:create"], {}, port)


def usual_way(database_url: str, workers: int) -> Server:
    """Return the usual way, on the server it is usually run on."""
    port = free_port()
    environment = {
        "WALLET_DATABASE_URL": database_url,
        "WALLET_PARTNER_ID": PARTNER,
        "WALLET_PARTNER_TOKEN": TOKEN,
    }
    options = ["--worker-class", "gthread", "--threads", str(THREADS), "--workers", str(workers)]
    return Server(
        "usual way",
        [str(BIN / "gunicorn"), *options, "--keep-alive", "60", "--bind", f"127.0.0.1:{port}", "usual:create()"],
        environment,
        port,
    )


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(slots=True)
class Used:
    """What a measurement took: CPU seconds of each process that is watched."""

    seconds: list[float] = field(default_factory=list)
    stolen: float = 0.0
    """The share of the cores' time that other machines on the same hardware had instead of this one."""


@contextmanager
def stopwatch(*processes: psutil.Process) -> Iterator[Used]:
    """Give what holds, afterwards, the CPU seconds that each of the processes used meanwhile."""
    before, (total, stolen) = [cpu_seconds(process) for process in processes], core_seconds()
    used = Used()
    yield used
    total, stolen = (now - start for now, start in zip(core_seconds(), (total, stolen), strict=True))
    used.seconds = [cpu_seconds(process) - start for process, start in zip(processes, before, strict=True)]
    used.stolen = stolen / total
