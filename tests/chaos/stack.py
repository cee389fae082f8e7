"""Everything of a run that lives in processes of its own, and the ways between.

callers and sandbox ── relay ──▶ wallet (2 workers) ── relay ──▶ PostgreSQL
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx

from tests.chaos.postgres import Postgres
from tests.chaos.relay import Relay, Weather
from tests.chaos.server import OPERATOR_TOKEN, SandboxProgram, WalletProgram
from tests.conftest import free_port
from wallet_service.schema import migrate

__all__ = ["USUAL_LOSSES", "Stack", "stack_in"]

USUAL_LOSSES = Weather(lost_answers=0.02)
"""Between callers and wallet, while nothing else is wrong."""
MISBEHAVIOUR = {
    "lost-requests": 0.03,
    "lost-answers": 0.05,
    "duplicates": 0.1,
    "reordering": 0.05,
    "wrong-hash": 0.02,
    "refund-first": 0.2,
}
"""Of the sandbox, besides what befalls its messages at the relay."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A run's processes."""

    folder: Path
    postgres: Postgres
    to_database: Relay
    wallet: WalletProgram
    to_wallet: Relay
    sandbox: SandboxProgram

    def open_wallets(self, balances: dict[str, Decimal], currency: str) -> None:
        """Have the wallet open a wallet for each player, as an operator's platform does."""
        for user_id, balance in balances.items():
            body = {"user_id": user_id, "currency": currency, "balance": f"{balance:f}"}
            self._operator("POST", "/operator/wallets", body)

    def balances(self, players: Sequence[str], currency: str) -> dict[str, Decimal]:
        """Return what the wallet says that the players have."""
        answers = {
            player: self._operator("GET", f"/operator/players/{player}/wallets/{currency}") for player in players
        }
        return {player: Decimal(answer["balance"]) for player, answer in answers.items()}

    def calm(self) -> None:
        """End what faults left behind: whatever was down is up again, and nothing is lost any more."""
        self.to_database.set(Weather())
        self.to_wallet.set(Weather())
        self.postgres.start()
        self.wallet.start("/readyz")

    def _operator(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {OPERATOR_TOKEN}"}
        response = httpx.request(method, self.wallet.url + path, json=body, headers=headers, timeout=10)
        response.raise_for_status()
        answer: dict[str, str] = response.json()
        return answer


@contextmanager
def stack_in(folder: Path, seed: str) -> Iterator[Stack]:
    """Start a run's processes in a folder, and stop them afterwards."""
    with ExitStack() as stopping:
        postgres = Postgres(folder / "data", free_port())
        stopping.callback(postgres.stop)
        postgres.start()
        postgres.make_database()
        migrate(postgres.url())
        to_database = Relay(free_port(), postgres.port, f"{seed}:database")
        stopping.callback(to_database.stop)
        wallet = WalletProgram(free_port(), folder / "wallet.log", postgres.url(to_database.port))
        stopping.callback(wallet.stop)
        to_wallet = Relay(free_port(), wallet.port, f"{seed}:wallet")
        stopping.callback(to_wallet.stop)
        sandbox = SandboxProgram(
            free_port(),
            folder / "sandbox.log",
            f"http://127.0.0.1:{to_wallet.port}",
            folder / "rounds.json",
            *("--seed", seed, "--first-round", "1"),
            *(part for name, chance in MISBEHAVIOUR.items() for part in (f"--{name}", str(chance))),
        )
        stopping.callback(sandbox.stop)
        wallet.start("/readyz")
        sandbox.start("/sandbox/rounds")
        yield Stack(folder, postgres, to_database, wallet, to_wallet, sandbox)
