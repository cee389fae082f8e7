"""The run's own PostgreSQL, with nothing turned off that makes it durable: started, killed, and started again."""

import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import psycopg

from wallet_service.embedded import EmbeddedPostgres

__all__ = ["Postgres"]

START_WITHIN_S = 180
ROLE = "wallet"
"""Whom the service connects as, and who owns the database: no superuser, for whom a few connections are kept."""
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "40",
    "fsync": "on",
    "full_page_writes": "on",
    # Recovery has something to do, and not for minutes.
    "checkpoint_timeout": "30s",
    "max_wal_size": "256MB",
    "log_min_messages": "fatal",
}


class Postgres:
    """A server on a port, in a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        """Make its data directory."""
        self.port = port
        self._program = EmbeddedPostgres(folder).server
        self._program.ensure_pgdata_inited()
        self._options = {**OPTIONS, "port": str(port)}
        self._log = (folder / "postgres.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def standby(self, folder: Path, port: int, name: str) -> "Postgres":
        """Return a standby of it, to be started, which follows it under that name."""
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)  # PostgreSQL of root runs as a user of its own
        source = f"host=127.0.0.1 port={self.port} user=postgres application_name={name}"
        command = [str(self._program.bin_path / "pg_basebackup"), "-d", source, "-D", str(folder / "postgres")]
        subprocess.run(
            [*command, "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream"],
            user=self._program.system_user,
            cwd="/",
            check=True,
            capture_output=True,
            timeout=START_WITHIN_S,
        )
        return Postgres(folder, port)

    def url(self, port: int | None = None) -> str:
        """Return the service's URL, over another port where one is given."""
        return f"postgresql://{ROLE}@127.0.0.1:{port or self.port}/{ROLE}"

    def connect(self, role: str = "postgres", database: str = ROLE) -> psycopg.Connection[Any]:
        """Connect straight to it, as a superuser unless said otherwise."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=role, dbname=database, connect_timeout=3, autocommit=True
        )

    def make_database(self) -> None:
        """Make the service's role and database."""
        with self.connect(database="postgres") as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEROLE")
            connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}")

    def start(self) -> None:
        """Start it, and wait until it takes connections; after a crash, until what was left of the old one is gone."""
        deadline = monotonic() + START_WITHIN_S
        while True:
            if self._process is None or self._process.poll() is not None:
                command = [str(self._program.bin_path / "postgres"), "-D", str(self._program.pgdata)]
                for name, value in self._options.items():
                    command += ["-c", f"{name}={value}"]
                self._process = subprocess.Popen(
                    command, stdout=self._log, stderr=self._log, user=self._program.system_user, cwd="/"
                )
            try:
                self.connect(database="postgres").close()
            except psycopg.OperationalError:
                if monotonic() > deadline:
                    raise
                sleep(0.05)
            else:
                return

    def processes(self) -> list[psutil.Process]:
        """Return the postmaster and all that it started."""
        assert self._process
        with suppress(psutil.NoSuchProcess):
            postmaster = psutil.Process(self._process.pid)
            return [postmaster, *postmaster.children()]
        return []

    def backends(self) -> list[psutil.Process]:
        """Return those that serve the wallet."""
        found = []
        for process in self.processes():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if " ".join(process.cmdline()).startswith(f"postgres: {ROLE} {ROLE}"):
                    found.append(process)
        return found

    def kill(self, *, whole: bool) -> None:
        """Kill -9 the postmaster, and with ``whole`` each of its processes."""
        assert self._process
        processes = self.processes()
        self._process.kill()
        for process in processes[1:] if whole else ():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop it in order, as far as it runs."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # without waiting for its clients
            self._process.wait(30)
        self._log.close()
