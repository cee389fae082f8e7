"""Cutting the connections whose bodies do not come: the threads that wait for them are free then.

Granian has no limit of time for a body, and does not tell which connection a request came by. But Linux tells of each
connection when a byte was last sent to it, and when one came. A connection that has asked for something and was sent
nothing for several seconds waits for its own sender: no answer of ours takes so long. Of those that come from an
address whose bodies are overdue, as many are cut as bodies are overdue, the oldest first.
"""

import os
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import ENOTSOCK
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from stat import S_ISSOCK
from time import monotonic, sleep
from typing import NamedTuple

import structlog

from wallet_service.bodies import Wait

__all__ = ["BODY_SECONDS", "Cutter"]

BODY_SECONDS = 10.0
"""How long a body may take. Lucky Monaco gives a whole call up after about 3 seconds."""
LOOKED_EVERY_S = 1.0
SURELY_UNANSWERED_S = BODY_SECONDS - 3 * LOOKED_EVERY_S
"""A connection is first looked at up to two looks after its body is first waited for."""
INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
ESTABLISHED = 1
LAST_DATA_SENT, LAST_DATA_RECEIVED = 44, 52
"""Where these are in Linux's ``struct tcp_info``: milliseconds ago, 32 bits each."""
TCP_INFO_BYTES = 104

log = structlog.get_logger("serving")

Address = IPv4Address | IPv6Address


class _Connection(NamedTuple):
    """What is known of a connection to us."""

    file: int
    inode: int
    """Tells this connection from another that has its file's number later."""
    address: Address
    sent_at: float
    is_idle: bool
    """The last thing that happened on it was something that we sent."""


class Cutter:
    """Looks at the connections of this process while bodies are waited for, and cuts those whose bodies do not come."""

    def __init__(self, waits: Callable[[], list[Wait]]) -> None:
        """Take what is waited for from ``waits``."""
        self._waits = waits
        self._unanswered: dict[int, float] = {}
        """By inode, since when a connection has been sent nothing, as far as it was looked at."""

    def run(self) -> None:
        """Look again and again, for ever. On systems that do not tell about connections there is nothing to look at."""
        while hasattr(socket, "TCP_INFO"):
            sleep(LOOKED_EVERY_S)
            self.look()

    def look(self) -> None:
        """Look once."""
        now = monotonic()
        waits = [wait for wait in self._waits() if now - wait.since > LOOKED_EVERY_S]
        overdue = Counter(ip_address(wait.address) for wait in waits if now - wait.since > BODY_SECONDS)
        unanswered, late = {}, []
        for connection in _connections({wait.port for wait in waits}) if waits else ():
            since = max(self._unanswered.get(connection.inode, now), connection.sent_at)
            unanswered[connection.inode] = since
            if connection.address in overdue and now - since > SURELY_UNANSWERED_S:
                late.append((connection.is_idle, since, connection))
        self._unanswered = unanswered
        cut = 0
        for _, _, connection in sorted(late):
            if overdue[connection.address]:
                overdue[connection.address] -= 1
                cut += _cut(connection)
        if cut:
            log.warning("bodies did not come", connections_cut=cut)


def _connections(ports: set[int]) -> Iterator[_Connection]:
    """Find this process's connections to these ports of ours."""
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError), _opened(int(path.name)) as connection:
            if connection.family not in INTERNET or connection.getsockname()[1] not in ports:
                continue
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
            if info[0] == ESTABLISHED:
                (sent,), (received,) = (
                    struct.unpack_from("I", info, at) for at in (LAST_DATA_SENT, LAST_DATA_RECEIVED)
                )
                address = ip_address(connection.getpeername()[0])
                inode = os.fstat(connection.fileno()).st_ino
                yield _Connection(int(path.name), inode, address, monotonic() - sent / 1000, sent <= received)


def _cut(connection: _Connection) -> bool:
    """Cut a connection, if it is still there. Whoever reads it sees its end."""
    with suppress(OSError), _opened(connection.file) as now_there:
        if os.fstat(now_there.fileno()).st_ino == connection.inode:
            now_there.shutdown(socket.SHUT_RDWR)
            return True
    return False


@contextmanager
def _opened(file: int) -> Iterator[socket.socket]:
    """Open an open socket once more: the server may close its own at any time, and the number be another's then.

    Raises:
        OSError: it is none, or is closed.

    """
    if not S_ISSOCK(os.fstat(file).st_mode):
        raise OSError(ENOTSOCK, "not a socket")
    with socket.socket(fileno=os.dup(file)) as opened:
        yield opened
