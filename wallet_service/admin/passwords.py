"""Passwords as they are kept: argon2 hashes. One takes much memory and time, so few are computed at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

__all__ = ["MAX_PASSWORD", "MIN_PASSWORD", "BusyError", "hashed", "is_outdated", "turn", "verifies"]

MIN_PASSWORD = 12
MAX_PASSWORD = 256
"""Characters. Argon2 takes longer ones, but somebody could send very long ones for its time."""
AT_ONCE = 2
"""Hashes that a process computes at once: each takes 64 MiB and all of a core for a while."""
PATIENCE_S = 1.0
"""How long a further one waits. The threads that wait are those that answer the wallet's calls."""

_hasher = PasswordHasher()
_turns = BoundedSemaphore(AT_ONCE)


class BusyError(Exception):
    """Too many passwords are being looked at; this one was not."""


@contextmanager
def turn() -> Iterator[None]:
    """Wait to be one of the ``AT_ONCE`` that look at a password.

    Raises:
        BusyError: the others took too long.

    """
    if not _turns.acquire(timeout=PATIENCE_S):
        raise BusyError
    try:
        yield
    finally:
        _turns.release()


def hashed(password: str) -> str:
    """Return what is kept of a password.

    Raises:
        ValueError: it cannot be one; the message says why.
        BusyError: too many are being looked at.

    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise ValueError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    with turn():
        return _hasher.hash(password)


def verifies(password_hash: str, password: str) -> bool:
    """Tell whether the hash is of the password.

    Raises:
        BusyError: too many are being looked at.

    """
    if len(password) > MAX_PASSWORD:
        return False
    with turn():
        try:
            return _hasher.verify(password_hash, password)
        except VerificationError:
            return False


def is_outdated(password_hash: str) -> bool:
    """Tell whether argon2's own advice has changed since the hash was made."""
    return _hasher.check_needs_rehash(password_hash)
