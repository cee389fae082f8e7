"""The product's own sandbox at work in a run: it plays rounds, and the operator has Lucky Monaco cancel others."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle

import httpx
from sqlalchemy.exc import DBAPIError

from tests.chaos.actors import CURRENCY, Stage
from tests.chaos.stack import Stack
from tests.conftest import SECRETS
from wallet_service.cancelling import AnswerNotRecordedError, Canceller
from wallet_service.database import create_wallet_engine
from wallet_service.ledger.ledger import Ledger, LedgerUnavailableError
from wallet_service.lucky_monaco import LuckyMonaco

__all__ = ["SANDBOX_PLAYERS", "Table", "settings_for"]

SANDBOX_PLAYERS = ("sandbox-1", "sandbox-2")
ROUNDS_AT_ONCE = 20
OVERDUE_MINUTES = 60


def settings_for(stack: Stack) -> dict[str, str]:
    """Return the settings with which the product's commands take the sandbox for Lucky Monaco."""
    return {
        "WALLET_LUCKY_MONACO_URL": stack.sandbox.url,
        "WALLET_HISTORY_CALLS_PER_MINUTE": "100000",
        "WALLET_HISTORY_PORTION_MINUTES": "1440",
    }


@dataclass(slots=True)
class Table:
    """What the sandbox and the operator did."""

    stack: Stack
    stage: Stage
    rounds: Counter[str] = field(default_factory=Counter)
    """Rounds that the sandbox played, by their state then."""
    cancellations: Counter[str] = field(default_factory=Counter)
    """What the operator was answered, or why not."""
    violations: list[str] = field(default_factory=list)
    """What the ledger cannot have had to refuse, such as the answer to a request that it acknowledged."""

    def play(self) -> None:
        """Have rounds of all kinds played until the stage is over."""
        for player in cycle(SANDBOX_PLAYERS):
            if self.stage.over.is_set():
                return
            form = {"userId": player, "currency": CURRENCY, "rounds": str(ROUNDS_AT_ONCE)}
            answer = httpx.post(f"{self.stack.sandbox.url}/sandbox/play", data=form, timeout=None)
            answer.raise_for_status()
            self.rounds.update(answer.json()["rounds"])

    def cancel(self) -> None:
        """Open rounds and have them cancelled, until the stage is over."""
        engine = create_wallet_engine(self.stack.postgres.url(self.stack.to_database.port), connections=1)
        partner, token, secret = SECRETS.values()
        with LuckyMonaco(self.stack.sandbox.url, "v4.02", partner, token, secret) as lucky_monaco:
            canceller = Canceller(Ledger(engine), lucky_monaco, OVERDUE_MINUTES)
            for player in cycle(SANDBOX_PLAYERS):
                if self.stage.over.is_set():
                    break
                form = {"userId": player, "currency": CURRENCY, "amount": "7.50"}
                opened = httpx.post(f"{self.stack.sandbox.url}/sandbox/rounds", data=form, timeout=None).json()
                try:
                    asked = canceller.ask(player, opened["roundId"], opened["gameId"], by_whom="chaos", why="to see")
                except (LedgerUnavailableError, AnswerNotRecordedError) as error:
                    self.cancellations[type(error).__name__] += 1
                except DBAPIError as error:
                    self.violations.append(f"cancelling {opened['roundId']} of {player}: {error.orig}")
                else:
                    self.cancellations[asked.reply.answer.value if asked.reply else asked.receipt.outcome.value] += 1
        engine.dispose()

    def misbehave_no_more(self) -> None:
        """Let the sandbox do nothing wrong any more, so that what it plays comes to an end."""
        url = f"{self.stack.sandbox.url}/sandbox/misbehaviour"
        known = httpx.get(url).json()
        with suppress(KeyError):
            del known["longest_delay"]
        httpx.put(url, json=dict.fromkeys(known, 0)).raise_for_status()
