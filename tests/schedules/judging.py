"""What may come of calls that meet: what comes of them one after the other, in one order or another."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import count, permutations
from typing import Any

import psycopg

from tests.schedules.catalogue import CALLS, IDS, SCENES, id_of, statement

__all__ = ["Ending", "Meeting", "books", "set_up"]

ROWS = {
    "wallets": "currency, opening_balance, balance, seq",
    "players": "state",
    "rounds": "round_id, currency, game_id, state, staked, won, cancelled, refunded, reversed, refund_id, bets,"
    " bets_cancelled, ended_at IS NOT NULL",
    "transactions": "currency, seq, id, call, round_id, reference, bonus_code, amount, stated, balance",
    "refusals": "call, reference, outcome, currency, round_id, stated, times",
    "reviews": "round_id, reason, reference, currency, resolution",
    "actions": "kind, id, round_id, reason, reference, transaction_id, before::text, after::text",
    "cancellations": "round_id, game_id, id, state, due_at IS NOT NULL, refund_id",
    "cancellation_rounds": "cancellation_id, round_id, refund_id",
    "cancellation_attempts": "id, cancellation_id, answer",
}
"""What is compared of a player's rows: all but the times."""
BOOKS = "SELECT " + ", ".join(
    f"(SELECT array_agg(r::text ORDER BY r::text) FROM (SELECT {columns} FROM {table} WHERE user_id = %(user)s) r)"
    for table, columns in ROWS.items()
)

Ending = tuple[tuple[Any, ...], tuple[Any, ...]]
"""The receipts, and the player's books."""
_numbers = count(1)


@dataclass(frozen=True)
class Meeting:
    """Calls that meet in a scene."""

    scene: str
    calls: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.scene}: {' | '.join(self.calls)}"

    def statements(self, connection: psycopg.Connection, user: str) -> list[str]:
        """Return the statement of each call."""
        return [
            statement(connection, name, CALLS[name](user), f"session {number}")
            for number, name in enumerate(self.calls)
        ]

    def serial_endings(self, connection: psycopg.Connection) -> dict[tuple[int, ...], Ending]:
        """Run the calls one after the other in every order, each on a player of its own; return what came of it."""
        return dict(self._serial_endings(connection))

    def _serial_endings(self, connection: psycopg.Connection) -> Iterator[tuple[tuple[int, ...], Ending]]:
        for order in permutations(range(len(self.calls))):
            user = set_up(connection, self.scene)
            statements = self.statements(connection, user)
            receipts: list[Any] = [None] * len(order)
            for number in order:
                row = connection.execute(statements[number].encode()).fetchone()
                assert row
                receipts[number] = tuple(
                    None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
                    for value in row
                )
            yield order, self.ending(connection, user, receipts)

    def ending(self, connection: psycopg.Connection, user: str, receipts: list[Any]) -> Ending:
        """Return what came of the calls, in words that are alike for every player."""
        actors = [str(n) for n in range(len(SCENES[self.scene]))] + [f"session {n}" for n in range(len(self.calls))]
        names = {str(id_of(user, actor, kind)): f"{kind} of {actor}" for actor in actors for kind in IDS}
        return (
            tuple(self._words(number, receipt, names) for number, receipt in enumerate(receipts)),
            books(connection, user, names),
        )

    def _words(self, number: int, receipt: Any, names: dict[str, str]) -> Any:
        if receipt is None:
            return None
        outcome, transaction, currency, balance = receipt
        if outcome == "replayed" and "refund" in self.calls[number]:
            # Which it is depends on when it looked: a refund's replay is answered with the wallet's balance or without.
            balance = None
        return outcome, names.get(transaction or "", transaction), currency, balance


def set_up(connection: psycopg.Connection, scene: str) -> str:
    """Make a player to whom the scene's calls have happened."""
    user = f"player-{next(_numbers)}"
    steps = [statement(connection, "", step(user), str(number - 1)) for number, step in enumerate(SCENES[scene])]
    connection.execute("; ".join(steps).encode())
    return user


def books(connection: psycopg.Connection, user: str, names: dict[str, str]) -> tuple[Any, ...]:
    """Return the player's rows of every table, ids by their names."""
    row = connection.execute(BOOKS.encode(), {"user": user}).fetchone()
    assert row

    def named(text: str) -> str:
        for found, name in names.items():
            text = text.replace(found, name)
        return text

    return tuple(tuple(sorted(named(one) for one in rows or ())) for rows in row)
