"""The product's own processes in a run: the wallet with two workers, and the sandbox; and its commands."""

import json
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Lock
from time import monotonic, sleep

import httpx
import psutil

from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE

__all__ = ["OPERATOR_TOKEN", "Program", "SandboxProgram", "WalletProgram", "command"]

OPERATOR_TOKEN = "operator-token"
UP_WITHIN_S = 180
"""On a machine that has much else to do."""
WORKERS = 2


def command(database_url: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one of the product's commands against a database."""
    environment = {**ENVIRONMENT, **SECRETS, "WALLET_DATABASE_URL": database_url, **settings}
    return subprocess.run([WALLET_SERVICE, *arguments], env=environment, capture_output=True, text=True, check=False)


class Program:
    """A command of the product that listens on a port."""

    def __init__(self, port: int, log: Path, arguments: list[str], **settings: str) -> None:
        """Take what it is started with; ``log`` gets what it says."""
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._arguments = arguments
        self._environment = {**ENVIRONMENT, **SECRETS, **settings}
        self.ended_by_itself = 0
        """How often it ended without being told to, or killed."""
        self._process: subprocess.Popen[bytes] | None = None
        self._was_killed = False
        self._lock = Lock()

    def keep_up(self) -> None:
        """Start it where it does not run, as a supervisor does. Threads may do so at once."""
        with self._lock:
            if self._process and self._process.poll() is None:
                return
            self.ended_by_itself += self._process is not None and not self._was_killed
            self._was_killed = False
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [WALLET_SERVICE, *self._arguments], env=self._environment, stdout=log, stderr=log
                )

    def start(self, path: str) -> None:
        """Start it, and again where it ends, until it answers at the path."""
        deadline = monotonic() + UP_WITHIN_S
        while True:
            self.keep_up()
            with suppress(httpx.TransportError):
                if httpx.get(self.url + path, timeout=3).status_code == httpx.codes.OK:
                    return
            if monotonic() > deadline:
                raise AssertionError(f"{' '.join(self._arguments)} does not come up; see {self.log}")
            sleep(0.05)

    def processes(self) -> list[psutil.Process]:
        """Return its first process and all below that."""
        assert self._process
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        return []

    def stop(self) -> None:
        """Stop it in order, as far as it runs."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                for process in self.processes():
                    process.kill()
                self._process.wait()


class WalletProgram(Program):
    """``wallet-service serve`` with two workers."""

    def __init__(self, port: int, log: Path, database_url: str) -> None:
        """Serve on the port, over the database."""
        super().__init__(
            port,
            log,
            ["serve", "--port", str(port), "--workers", str(WORKERS)],
            WALLET_DATABASE_URL=database_url,
            WALLET_OPERATOR_TOKEN=OPERATOR_TOKEN,
            WALLET_LOG_LEVEL="WARNING",
        )

    def workers(self) -> list[psutil.Process]:
        """Return its workers."""
        found = []
        for process in self.processes()[1:]:
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if "spawn_main" in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def kill(self, *, whole: bool) -> None:
        """Kill -9 the server, and with ``whole`` its workers, too. Without, they end by themselves."""
        assert self._process
        with self._lock:
            processes = self.processes()
            self._was_killed = True
            self._process.kill()
            for process in processes[1:] if whole else ():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._process.wait()

    def faults(self) -> list[str]:
        """Return what it logged as faults of its own."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            with suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and str(entry.get("level")).upper() in {"ERROR", "CRITICAL"}:
                    found.append(line)
        return found


class SandboxProgram(Program):
    """``wallet-service sandbox``, which keeps its rounds in ``state``."""

    def __init__(self, port: int, log: Path, wallet: str, state: Path, *options: str) -> None:
        """Play against the wallet at that URL; ``options`` say what it does wrong."""
        self._faultless = ["sandbox", "--wallet", wallet, "--port", str(port), "--state", str(state), "--pause", "0.2"]
        super().__init__(port, log, [*self._faultless, *options])
        self.state = state

    def behave(self) -> None:
        """Do nothing wrong from the next start on."""
        self._arguments = self._faultless

    def violations(self) -> list[str]:
        """Return what it says that the wallet did and no wallet may."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if line.startswith("VIOLATION")]
