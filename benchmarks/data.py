"""The databases that the load is sent to: a number of open rounds with one bet each, and those that a run refunds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import time

import psutil
from load import Rounds
from servers import BIN
from sqlalchemy import Engine, text

from wallet_service.database import create_migration_engine, create_read_engine
from wallet_service.embedded import EmbeddedPostgres
from wallet_service.embedded_roles import OWNER_LOGIN, SERVICE_LOGIN, url_as
from wallet_service.ledger.audit import audit
from wallet_service.schema import migrate

PLAYERS = 10_000
# Each by the ledger's own function, so that the books are right.
OPEN_ROUNDS = text(
    """
    SELECT count(*)
    FROM generate_series(1, CAST(:number AS int)) AS n, LATERAL (SELECT mod(n - 1, :players) AS p) AS m,
    LATERAL bet(
        'seed-' || lpad((p + 1)::text, 7, '0'), gen_random_uuid(),
        (ARRAY['USD', 'EUR', 'GBP', 'JPY', 'BRL'])[mod(p, 5) + 1],
        CAST(:run AS text) || '-' || n, 'game-7', CAST(:run AS text) || '-b' || n, 1, NULL, '{}'::json
    ) AS b WHERE b.outcome = 'applied'
    """
)
_runs = count()


class Database:
    """A database with open rounds in it, and whatever earlier runs left."""

    def __init__(self, superuser_url: str, process: psutil.Process, players: int) -> None:
        """Take a running server's database."""
        self.url = url_as(SERVICE_LOGIN, superuser_url)
        """As the wallet's own role."""
        self.owner_url = url_as(OWNER_LOGIN, superuser_url)
        self.process = process
        self._players = players
        self._engine = create_migration_engine(superuser_url)

    def new_rounds(self, number: int) -> Rounds:
        """Open so many rounds, and let what that leaves to do be done, so that no measurement pays for it."""
        rounds = Rounds(f"x{int(time()) % 10**7}{next(_runs)}", number, self._players)
        if number:
            with self._engine.begin() as connection:
                values = {"number": number, "players": self._players, "run": rounds.run}
                if connection.scalar(OPEN_ROUNDS, values) != number:
                    raise RuntimeError("not every round could be opened")
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM (ANALYZE) wallets, rounds"))
            connection.execute(text("CHECKPOINT"))
        return rounds

    def check_books(self) -> None:
        """Audit everything.

        Raises:
            RuntimeError: the books are wrong.

        """
        reads: Engine = create_read_engine(self.owner_url)
        with reads.connect() as connection:
            report = audit(connection)
        if report.findings:
            raise RuntimeError(f"the audit found {len(report.findings)} faults, such as: {report.findings[0]}")


@contextmanager
def database_of(folder: Path, rounds: int, *, anew: bool = False) -> Iterator[Database]:
    """Give a database with so many rounds, each with one bet, and those of earlier runs unless it is made ``anew``.

    It is kept in the folder for the next time.
    """
    data_dir = folder / str(rounds)
    if anew:
        shutil.rmtree(data_dir, ignore_errors=True)
    players = min(PLAYERS, rounds)
    seeded = data_dir / "seeded"
    server = EmbeddedPostgres(data_dir)
    url = server.start()
    try:
        _give_memory(server, url)
        migrate(url_as(OWNER_LOGIN, url))
        if not seeded.exists():
            command = [str(BIN / "wallet-service"), "seed", "--players", str(players)]
            # As the superuser, who may leave out the checks of foreign keys.
            names = {"WALLET_DATABASE_URL": url_as(SERVICE_LOGIN, url), "WALLET_OWNER_DATABASE_URL": url}
            subprocess.run(  # noqa: S603 - ours
                [*command, "--rounds", str(rounds), "--transactions", str(rounds)],
                env={**os.environ, **names},
                stdout=sys.stderr,  # standard output is the benchmark's own
                check=True,
            )
            seeded.touch()
        yield Database(url, psutil.Process(server.server.get_pid()), players)
    finally:
        server.stop()


def _give_memory(server: EmbeddedPostgres, url: str) -> None:
    """Let the server have the memory that docs/operations.md gives a database: else many rounds never fit in it."""
    # A quarter, and two servers are measured in turn. PostgreSQL reads it when it starts, and counts in megabytes.
    wanted = f"{psutil.virtual_memory().total // 8 // 2**20}MB"
    engine = create_migration_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"ALTER SYSTEM SET shared_buffers TO '{wanted}'"))
    engine.dispose()
    server.stop()
    server.start()
