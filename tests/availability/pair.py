"""A primary and its streaming standby, as an operator has them, on two ports of this machine."""

import signal
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.chaos.postgres import Postgres
from tests.conftest import as_owner, free_port
from wallet_service.database import create_wallet_engine
from wallet_service.embedded_roles import SERVICE_LOGIN, make_roles, url_as
from wallet_service.ledger.calls import OpenWallet
from wallet_service.ledger.ledger import Ledger
from wallet_service.schema import migrate

__all__ = ["Pair", "open_wallets", "until"]

STANDBY = "standby"
WITHIN_S = 60


def until(condition: Callable[[], Any]) -> None:
    """Wait for something that nobody announces."""
    give_up_at = monotonic() + WITHIN_S
    while not condition():
        assert monotonic() < give_up_at, "it does not come about"
        sleep(0.05)


def open_wallets(url: str, players: list[str], balance: str) -> None:
    """Open a wallet for each player."""
    engine = create_wallet_engine(url, 1)
    for player in players:
        Ledger(engine).apply(OpenWallet(player, "USD", Decimal(balance)))
    engine.dispose()


class Pair:
    """Two servers, of which the first is the primary to begin with. The wallet's roles and schema are there."""

    def __init__(self, folder: Path) -> None:
        """Start both."""
        self.first = Postgres(folder / "first", free_port())
        self.first.start()
        superuser = f"postgresql://postgres@127.0.0.1:{self.first.port}/postgres"
        make_roles(superuser)
        migrate(as_owner(superuser))
        self.second = self.first.standby(folder / "second", free_port(), STANDBY)
        self.second.start()
        hosts = f"127.0.0.1:{self.first.port},127.0.0.1:{self.second.port}"
        self.url = url_as(SERVICE_LOGIN, f"postgresql://{hosts}/postgres?target_session_attrs=read-write")
        """The service's, wherever the primary is."""

    def stop(self) -> None:
        """Stop both."""
        self.second.stop()
        self.first.kill(whole=True)  # it may be stopped, and deaf to anything else
        self.first.stop()

    def ask(self, server: Postgres, *statements: str) -> Any:
        """Run statements as a superuser of one of them; return the last one's first value."""
        with server.connect(database="postgres") as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def require_standby(self) -> None:
        """Have each commit wait until the standby has it on its disk, too."""
        names = f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'"
        self.ask(self.first, names, "SELECT pg_reload_conf()")
        until(lambda: self.ask(self.first, "SELECT sync_state FROM pg_stat_replication") == "sync")

    def part(self) -> None:
        """Have the standby follow no longer."""
        self.ask(self.second, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
        until(lambda: self.ask(self.first, "SELECT count(*) FROM pg_stat_replication") == 0)

    def rejoin(self) -> None:
        """Have the standby follow again."""
        follow = f"host=127.0.0.1 port={self.first.port} user=postgres application_name={STANDBY}"
        self.ask(self.second, f"ALTER SYSTEM SET primary_conninfo = '{follow}'", "SELECT pg_reload_conf()")

    def silence_first(self) -> None:
        """Stop each process of the first: it takes connections, and says nothing, as a machine that has gone."""
        for process in self.first.processes():
            process.send_signal(signal.SIGSTOP)

    def promote(self) -> None:
        """Make the second the primary."""
        assert self.ask(self.second, f"SELECT pg_promote(true, {WITHIN_S})")
