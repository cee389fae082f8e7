"""What is told of the messages that go to and fro. No credential is in any of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Literal

__all__ = ["Journal", "Message", "Reporter"]

Direction = Literal["to wallet", "to sandbox"]
MAX_VIOLATIONS = 100
"""Violations whose words are kept; all are counted."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message and what came of it. Fields that its call does not have are empty."""

    at: datetime
    direction: Direction
    call: str
    round_id: str
    user_id: str
    amount: str
    currency: str
    outcome: str
    resend: int
    """Which resend it is; 0 for the first time."""


Reporter = Callable[[Message], None]


class Journal:
    """Counts what was sent, and reports each message, one at a time, to ``on_message``."""

    def __init__(self, on_message: Reporter) -> None:
        self._on_message = on_message
        self._lock = Lock()
        self.messages = 0
        self.resends = 0
        self.violations = 0
        self.violation_texts: list[str] = []

    def tell(
        self,
        call: str,
        round_id: str,
        user_id: str,
        outcome: str,
        *,
        amount: str = "",
        currency: str = "",
        resend: int = 0,
        direction: Direction = "to wallet",
        sent: bool = True,
    ) -> None:
        """Report a message; only one that was ``sent`` to the wallet counts."""
        now = datetime.now(UTC)
        with self._lock:
            self.messages += sent
            self.resends += sent and resend > 0
            self._on_message(Message(now, direction, call, round_id, user_id, amount, currency, outcome, resend))

    def violation(self, call: str, round_id: str, user_id: str, what: str) -> None:
        """Report that the wallet did what no wallet may."""
        with self._lock:
            self.violations += 1
            if len(self.violation_texts) < MAX_VIOLATIONS:
                self.violation_texts.append(f"{call} in round {round_id} of {user_id}: {what}")
        self.tell(call, round_id, user_id, f"VIOLATION: {what}", sent=False)
