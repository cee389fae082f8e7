"""How often credentials were wrong, by address, so that guessing costs us little and the log stays readable.

A worker counts for itself. Nobody is kept out by it: right credentials are answered, wherever they come from.
"""

from ipaddress import IPv4Address, IPv6Address, ip_network
from threading import Lock
from time import monotonic

import structlog

__all__ = ["Failures"]

WINDOW_S = 60.0
FAILURES_LOGGED = 20
"""Of an address within the window, each by itself; further ones are counted and refused early."""
MAX_ADDRESSES = 4096
"""Kept in mind within the window. While there are more, all further ones count as having failed too often."""
IPV6_SITE_BITS = 64
"""One IPv6 sender has as many addresses as it likes, within that prefix."""
TOLD_EVERY_S = 1.0

log = structlog.get_logger("wallet")

Address = IPv4Address | IPv6Address | None


class Failures:
    """The failures of the last minute."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[str, int] = {}
        self._ends_at = 0.0
        self._any_over = False
        self._untold = 0
        self._told_at = 0.0

    @property
    def any_over(self) -> bool:
        """Whether some address may have failed too often."""
        return self._any_over and monotonic() < self._ends_at

    def is_over(self, address: Address) -> bool:
        """Tell whether an address has failed too often of late, so that it should be refused in few steps."""
        if not self.any_over:
            return False
        counts = self._counts
        return counts.get(_site(address), FAILURES_LOGGED if len(counts) >= MAX_ADDRESSES else 0) >= FAILURES_LOGGED

    def count(self, address: Address) -> bool:
        """Count a failure; return whether to log it by itself, as those of an address are until they are too many."""
        site = _site(address)
        now = monotonic()
        with self._lock:
            if now >= self._ends_at:
                self._counts, self._ends_at, self._any_over = {}, now + WINDOW_S, False
            counts = self._counts
            if site in counts or len(counts) < MAX_ADDRESSES:
                counts[site] = counts.get(site, 0) + 1
                self._any_over |= counts[site] >= FAILURES_LOGGED or len(counts) >= MAX_ADDRESSES
                if counts[site] <= FAILURES_LOGGED:
                    return True
            self._untold += 1
            if now < self._told_at + TOLD_EVERY_S:
                return False
            number, self._untold, self._told_at = self._untold, 0, now
        log.warning("credentials refused", calls=number, last_from=site, addresses=len(counts))
        return False


def _site(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_SITE_BITS), strict=False))
    return str(address)
