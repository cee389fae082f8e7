"""Connections that are led from stop to stop: one goes at a time, and one that waits for another's lock is seen to."""

import select
from dataclasses import dataclass
from time import monotonic

import psycopg
from psycopg import pq

__all__ = ["COMMIT", "Rows", "Session", "Stage", "rows_of"]

COMMIT = "COMMIT"
"""The last stop of every session: its call has returned, and nobody sees yet what it did."""
STOPS = 60
"""More than any call has."""
LOOK_AFTER_S = 0.001
GIVE_UP_AFTER_S = 30.0

Rows = tuple[tuple[str | None, ...], ...]


def rows_of(result: pq.abc.PGresult) -> Rows:
    """Return what a call answered, in the server's words."""
    return tuple(
        tuple(
            None if value is None else value.decode()
            for value in (result.get_value(row, column) for column in range(result.nfields))
        )
        for row in range(result.ntuples)
    )


@dataclass
class Session:
    """A connection with one call in a transaction. ``stop`` is where it stands, ``None`` while it goes or waits."""

    number: int
    connection: psycopg.Connection
    stop: str | None = None
    stops: int = 0
    done: bool = False
    committing: bool = False
    receipts: Rows = ()
    error: str | None = None

    @property
    def key(self) -> int:
        """The first half of the advisory locks at its stops; the other half counts them."""
        return self.connection.info.backend_pid

    def begin(self, call: str) -> None:
        """Send the call; it stops before its first statement."""
        self.stop, self.stops, self.receipts, self.error = None, 0, (), None
        self.done = self.committing = False
        self.connection.pgconn.send_query(f"SET schedule.stop = 0; BEGIN; {call}".encode())

    def hear(self, notice: pq.abc.PGresult) -> None:
        """Take a notice: the session stands at a stop."""
        words = notice.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
        self.stops += 1
        self.stop = words.decode()

    def read(self) -> None:
        """Take what the server has sent."""
        connection = self.connection.pgconn
        connection.consume_input()
        while not self.done and not connection.is_busy():
            result = connection.get_result()
            if result is None:
                self._ended()
                return
            if result.status == pq.ExecStatus.FATAL_ERROR:
                self.error = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode()
            elif result.status == pq.ExecStatus.TUPLES_OK:
                self.receipts = rows_of(result)

    def _ended(self) -> None:
        if self.committing or self.error:
            self.done = True
            if self.error:
                self.connection.pgconn.exec_(b"ROLLBACK")
        else:
            self.stop = COMMIT


class Stage:
    """The sessions of one schedule after the other, and the connection that holds their stops."""

    def __init__(self, url: str, number: int) -> None:
        """Open connections to a database whose functions are woven."""
        self.control = psycopg.connect(url, autocommit=True)
        self.sessions = [Session(n, psycopg.connect(url, autocommit=True)) for n in range(number)]
        for session in self.sessions:
            session.connection.execute(f"SET schedule.session = {session.key}")
            session.connection.execute("SET synchronous_commit = off")
            session.connection.execute("SET deadlock_timeout = '50ms'")
            session.connection.pgconn.notice_handler = session.hear
        self.control.execute("SET synchronous_commit = off")
        query = "SELECT pg_advisory_lock(s, n) FROM unnest(%s::integer[]) s, generate_series(1, %s) n"
        self.control.execute(query, ([session.key for session in self.sessions], STOPS))
        self._passed: list[tuple[int, int]] = []

    def close(self) -> None:
        """Close every connection."""
        for session in self.sessions:
            session.connection.close()
        self.control.close()

    def begin(self, calls: list[str]) -> None:
        """Send each session its call; all stand before their first statements afterwards."""
        self.control.execute(
            "SELECT pg_advisory_lock(s, n) FROM unnest(%s::integer[], %s::integer[]) AS q (s, n)",
            ([s for s, _ in self._passed], [n for _, n in self._passed]),
        )
        self._passed.clear()
        for session, call in zip(self.sessions, calls, strict=True):
            session.begin(call)
        self.settle()

    def ready(self) -> dict[int, str]:
        """Return the sessions that stand at a stop, and at which."""
        return {
            session.number: session.stop for session in self.sessions if not session.done and session.stop is not None
        }

    def go(self, number: int) -> None:
        """Let a session go on to its next stop."""
        session = self.sessions[number]
        left, session.stop = session.stop, None
        assert left is not None, "the session is on its way"
        if left == COMMIT:
            session.committing = True
            session.connection.pgconn.send_query(b"COMMIT")
        else:
            self._passed.append((session.key, session.stops))
            self.control.execute("SELECT pg_advisory_unlock(%s, %s)", self._passed[-1])
        self.settle()

    def settle(self) -> None:
        """Wait until each session stands at a stop, has ended, or waits for another that does not move.

        Sessions that wait for each other go on to the error that the server makes of that.
        """
        give_up_at = monotonic() + GIVE_UP_AFTER_S
        while going := [session for session in self.sessions if not session.done and session.stop is None]:
            readable, _, _ = select.select([s.connection.pgconn.socket for s in going], [], [], LOOK_AFTER_S)
            for session in going:
                if session.connection.pgconn.socket in readable:
                    session.read()
            if not readable and len(going) < sum(not s.done for s in self.sessions) and self._all_wait(going):
                return
            assert monotonic() < give_up_at, "a session does not arrive"

    def _all_wait(self, going: list[Session]) -> bool:
        pids = {session.key for session in self.sessions}
        rows = self.control.execute(
            "SELECT pg_blocking_pids(pid) FROM unnest(%s::integer[]) pid",
            ([session.key for session in going],),
        ).fetchall()
        return all(blockers and set(blockers) <= pids for (blockers,) in rows)
