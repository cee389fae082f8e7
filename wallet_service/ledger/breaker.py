"""Not waiting again, for a moment, for what just did not answer.

Where the database is silent, each call waits out its patience, and those queued behind it wait theirs after that: the
last of them would answer long after Lucky Monaco has given up. So the calls that follow a wait in vain are refused at
once, for a short time, and may be sent again (rule 17).
"""

from collections import OrderedDict
from threading import Lock
from time import monotonic

from psycopg import errors

__all__ = ["IN_VAIN_AFTER_S", "ONE_PLAYER_S", "Breaker"]

IN_VAIN_AFTER_S = 0.9
"""A call that failed faster was refused, not left waiting: whoever comes next need not wait either."""

ONE_PLAYER_S = (errors.LockNotAvailable, errors.DeadlockDetected, errors.QueryCanceled)
"""The player's rows are locked, in a circle perhaps, or what the call does takes long; the database itself answers."""


class Breaker:
    """Remembers what was waited for in vain: the database (``None``), or one player's wallets. Safe between threads."""

    def __init__(self, rest_s: float = 0.2, at_most: int = 1000) -> None:
        """Let a thing rest for ``rest_s`` seconds, and remember ``at_most`` things."""
        self._rest_s = rest_s
        self._at_most = at_most
        self._until: OrderedDict[str | None, float] = OrderedDict()
        self._lock = Lock()

    def trip(self, what: str | None) -> None:
        """Let it rest from now on."""
        with self._lock:
            self._until.pop(what, None)
            self._until[what] = monotonic() + self._rest_s
            if len(self._until) > self._at_most:
                self._until.popitem(last=False)

    def resting(self, user_id: str | None = None) -> bool:
        """Tell whether the database rests, or the player's wallets do."""
        if not self._until:
            return False
        now = monotonic()
        with self._lock:
            while self._until and next(iter(self._until.values())) <= now:
                self._until.popitem(last=False)
            return None in self._until or user_id in self._until
