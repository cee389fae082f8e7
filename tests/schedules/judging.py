"""What may come of calls that meet: what comes of them one after the other, in one order or another."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, combinations, count, permutations, product
from typing import Any

import psycopg
from psycopg import pq

from tests.schedules.catalogue import (
    CALLS,
    ENTRY,
    IDS,
    SCENES,
    Group,
    Meets,
    actors_of,
    id_of,
    other,
    players_of,
    statement,
)
from tests.schedules.sessions import Rows, rows_of
from wallet_service.ledger.calls import OpenWallet

__all__ = ["Ending", "Meeting", "books"]

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
    "reconciliations": "id, period_start, done_to, rounds_here, rounds_there, differences",
}
"""What is compared of a player's rows: all but the times."""
WHOSE = {
    "actions": "user_id = %(user)s OR (user_id = '' AND id = %(entry)s)",
    "reconciliations": "id = %(entry)s",
}
BOOKS = "SELECT " + ", ".join(
    f"(SELECT array_agg(r::text ORDER BY r::text) FROM (SELECT {columns} FROM {table}"
    f" WHERE {WHOSE.get(table, 'user_id = %(user)s')}) r)"
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

    def meets(self, user: str) -> list[Meets]:
        """Return what meets, of a player."""
        return [CALLS[name](user) for name in self.calls]

    def statements(
        self, connection: psycopg.Connection, user: str, passed_over: tuple[frozenset[str], ...] = ()
    ) -> list[str]:
        """Return the statement of each call; of groups, without the calls of those players."""
        left_out = passed_over or (frozenset(),) * len(self.calls)
        return [
            statement(connection, name, meets, f"session {number}", left_out[number])
            for number, (name, meets) in enumerate(zip(self.calls, self.meets(user), strict=True))
        ]

    def set_up(self, connection: psycopg.Connection) -> str:
        """Make a player to whom the scene's calls have happened, and another one where one is in a group."""
        user = f"player-{next(_numbers)}"
        steps = [
            statement(connection, "", step(user), str(number - 1)) for number, step in enumerate(SCENES[self.scene])
        ]
        if self.has_group(user):
            steps.append(statement(connection, "", OpenWallet(other(user), "USD", Decimal(100)), "0"))
        connection.execute("; ".join(steps).encode())
        return user

    def has_group(self, user: str) -> bool:
        """Tell whether a group is among what meets."""
        return any(isinstance(meets, Group) for meets in self.meets(user))

    def serial_endings(self, connection: psycopg.Connection) -> dict[tuple[int, ...], list[Ending]]:
        """Run the calls one after the other in every order, each on a player of its own; return what came of it.

        Behind the first ending of each order come those of groups that passed over the calls of some players.
        """
        return {order: list(self._endings(connection, order)) for order in permutations(range(len(self.calls)))}

    def _endings(self, connection: psycopg.Connection, order: tuple[int, ...]) -> Iterator[Ending]:
        for places in product(*(_choices(len(players_of(meets))) for meets in self.meets(""))):
            user = self.set_up(connection)
            passed_over = tuple(
                frozenset(players_of(meets)[place] for place in chosen)
                for meets, chosen in zip(self.meets(user), places, strict=True)
            )
            statements = self.statements(connection, user, passed_over)
            receipts: list[Rows] = [()] * len(order)
            for number in order:
                result = connection.pgconn.exec_(statements[number].encode())
                assert result.status == pq.ExecStatus.TUPLES_OK, result.error_message
                receipts[number] = rows_of(result)
            yield self.ending(connection, user, receipts)

    def ending(self, connection: psycopg.Connection, user: str, receipts: list[Rows]) -> Ending:
        """Return what came of the calls, in words that are alike for every player."""
        actors = [ENTRY, *(str(n) for n in range(len(SCENES[self.scene])))]
        for number, meets in enumerate(self.meets(user)):
            actors += actors_of(meets, f"session {number}")
        players = (user, other(user)) if self.has_group(user) else (user,)
        names = {
            str(id_of(player, actor, kind)): f"{kind} of {actor}"
            for player in players
            for actor in actors
            for kind in IDS
        }
        return (
            tuple(self._words(number, rows, names) for number, rows in enumerate(receipts)),
            tuple(books(connection, player, names) for player in players),
        )

    def _words(self, number: int, rows: Rows, names: dict[str, str]) -> Any:
        words = [[names.get(value or "", value) for value in row] for row in sorted(rows)]
        for row in words:
            if "replayed" in row and ("refund" in self.calls[number] or "group" in self.calls[number]):
                # Which it is depends on when it looked: a refund's replay is answered with the wallet's balance or
                # without.
                row[-1] = None
        return tuple(map(tuple, words))


def _choices(number: int) -> list[tuple[int, ...]]:
    """Return every choice of so many players, none of them first."""
    return list(chain.from_iterable(combinations(range(number), size) for size in range(number + 1)))


def books(connection: psycopg.Connection, user: str, names: dict[str, str]) -> tuple[Any, ...]:
    """Return the player's rows of every table, ids by their names."""
    row = connection.execute(BOOKS.encode(), {"user": user, "entry": id_of(user, ENTRY, "id")}).fetchone()
    assert row

    def named(text: str) -> str:
        for found, name in names.items():
            text = text.replace(found, name)
        return text

    return tuple(tuple(sorted(named(one) for one in rows or ())) for rows in row)
