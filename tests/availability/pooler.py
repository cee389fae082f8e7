"""A real PgBouncer in transaction mode, as Debian has it, in front of a server on this machine."""

import os
import re
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from time import sleep

import pytest

from tests.conftest import free_port
from wallet_service.embedded_roles import SERVICE_LOGIN

__all__ = ["PGBOUNCER", "PgBouncer", "documented_settings", "needs_pgbouncer"]

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
PAGE = Path(__file__).parents[2] / "docs" / "high-availability.md"

needs_pgbouncer = pytest.mark.skipif(
    PGBOUNCER is None and not os.environ.get("CI"), reason="needs PgBouncer: apt-get install pgbouncer"
)


def documented_settings() -> str:
    """Return what docs/high-availability.md has in pgbouncer.ini."""
    block = re.search(r"```ini\n(pool_mode = .*?)```", PAGE.read_text(), re.DOTALL)
    assert block
    return block[1]


class PgBouncer:
    """A pooler with these settings, through which the service's role reaches a server's databases."""

    def __init__(self, folder: Path, server_port: int, settings: str) -> None:
        """Start it, and wait until it listens."""
        self.port = free_port()
        users, settings_file = folder / "users.txt", folder / "pgbouncer.ini"
        users.write_text(f'"{SERVICE_LOGIN}" ""\n')
        settings_file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server_port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {users}\n{settings}"
        )
        for path in (folder, users, settings_file):
            path.chmod(0o755)
        with (folder / "pgbouncer.log").open("w") as log:
            assert PGBOUNCER
            self._process = subprocess.Popen(
                [PGBOUNCER, str(settings_file)],
                stdout=log,
                stderr=log,
                user="nobody" if os.getuid() == 0 else None,  # it refuses to be root's
            )
        while True:
            assert self._process.poll() is None, (folder / "pgbouncer.log").read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return
            sleep(0.05)

    def url(self, database: str) -> str:
        """Return the service's URL of a database."""
        return f"postgresql://{SERVICE_LOGIN}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Stop it at once."""
        self._process.terminate()
        self._process.wait()
