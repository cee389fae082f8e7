"""The verdict: what was acknowledged, held against the wallet's log of transactions.

Nothing is taken from the run but what callers saw: which calls were sent, when, and what was answered. A call is named
by its player, its kind and its reference; a refund by its round.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from typing import Any

import psycopg
from psycopg.rows import class_row

from tests.chaos.actors import Played
from tests.chaos.calls import LOGGED, Call

__all__ = ["Logged", "judge", "read_log"]

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Logged:
    """A transaction as the log has it; ``at`` in Unix seconds."""

    user_id: str
    id: str
    seq: int
    call: str
    round_id: str
    reference: str
    amount: Decimal
    balance: Decimal
    at: float

    @property
    def key(self) -> tuple[str, str, str]:
        """As a call's."""
        return self.user_id, self.call, self.round_id if self.call == "refund" else self.reference


def read_log(connection: psycopg.Connection[Any], players: Sequence[str]) -> list[Logged]:
    """Return the players' transactions, in the order in which their wallets counted them."""
    with connection.cursor(row_factory=class_row(Logged)) as cursor:
        return cursor.execute(
            "SELECT user_id, id::text, seq, call, round_id, reference, amount, balance,"
            " extract(epoch FROM at)::float8 AS at FROM transactions WHERE user_id = ANY (%s) ORDER BY user_id, seq",
            [list(players)],
        ).fetchall()


@dataclass(slots=True)
class Book:
    """The log, looked up as the judge needs it."""

    by_key: dict[tuple[str, str, str], list[Logged]] = field(default_factory=lambda: defaultdict(list))
    by_round: dict[str, list[Logged]] = field(default_factory=lambda: defaultdict(list))
    by_player: dict[str, list[Logged]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, log: Iterable[Logged]) -> "Book":
        """Enter all transactions."""
        book = cls()
        for row in log:
            book.by_key[row.key].append(row)
            book.by_round[row.round_id].append(row)
            book.by_player[row.user_id].append(row)
        return book


def judge(
    played: Sequence[Played], log: Sequence[Logged], opening: Mapping[str, Decimal], final: Mapping[str, Decimal]
) -> Iterator[str]:
    """Yield each violation; ``opening`` and ``final`` are the players' acknowledged balances before and after."""
    book = Book.of(log)
    calls: dict[tuple[str, str, str], list[Call]] = defaultdict(list)
    for one in played:
        for call in one.calls:
            calls[call.key].append(call)
    for key, group in calls.items():
        yield from _answers(group)
        yield from _effects(group, book.by_key.get(key, []), book)
    for key, rows in book.by_key.items():
        if key not in calls:
            yield f"nobody asked for it\n{_told((), rows)}"
    for one in played:
        yield from _refund(one, book.by_round.get(one.the_round.round_id, []))
    yield from _cash(played, book, opening)
    yield from _final_balances(played, opening, final)


def _told(calls: Iterable[Call], rows: Iterable[Logged]) -> str:
    lines = [f"  sent: {call.told()}" for call in calls]
    logged = [
        f"  log: {row.call} {row.amount:f} as {row.id}, seq {row.seq}, reference {row.reference}, round {row.round_id},"
        f" player {row.user_id}, balance {row.balance:f}, at {row.at:.3f}"
        for row in rows
    ]
    return "\n".join(lines + (logged or ["  log: nothing"]))


def _answers(calls: Sequence[Call]) -> Iterator[str]:
    for call in calls:
        for attempt in call.attempts:
            if attempt.problem:
                yield f"an answer that no wallet may give: {attempt.problem}\n{_told([call], ())}"
        if call.code is None and not call.abandoned:
            yield f"it never settled\n{_told([call], ())}"


def _effects(calls: Sequence[Call], rows: Sequence[Logged], book: Book) -> Iterator[str]:
    """Hold what is one call for the wallet against what the log has of it."""
    if calls[0].name not in LOGGED:
        return
    acknowledged = {attempt.transaction_id for call in calls for attempt in call.attempts if attempt.code == "0"}
    if len(rows) > 1:
        yield f"applied {len(rows)} times\n{_told(calls, rows)}"
    if acknowledged and not rows:
        yield f"acknowledged, and not in the log\n{_told(calls, rows)}"
    elif acknowledged and acknowledged != {row.id for row in rows}:
        yield f"acknowledged as another transaction than the log's\n{_told(calls, rows)}"
    elif rows and not acknowledged and not any(call.is_unsure or _came_too_late(call, rows[0], book) for call in calls):
        yield f"refused, and in the log\n{_told(calls, rows)}"
    for row in rows:
        stated = calls[0].amount
        if stated is not None and row.amount != (-stated if row.call == "bet" else stated):
            yield f"logged with another amount than was sent\n{_told(calls, rows)}"
        if row.round_id != calls[0].the_round.round_id:
            yield f"logged in another round\n{_told(calls, rows)}"


def _came_too_late(call: Call, bet: Logged, book: Book) -> bool:
    """Tell whether a bet in the log was rightly refused: its money had been given back by then.

    The wallet itself applies a call again whose answer it lost on the way from the database, and so may find what came
    meanwhile, as a caller's resend would (rule 14).
    """
    given_back = [row for row in book.by_round[bet.round_id] if row.call == "refund"]
    given_back += book.by_key.get((bet.user_id, "cancel", bet.reference), [])
    refused_at = [attempt.received for attempt in call.attempts if attempt.code == "999"]
    return bet.call == "bet" and any(row.at <= at for row in given_back for at in refused_at)


def _refund(played: Played, rows: Sequence[Logged]) -> Iterator[str]:
    """Check that a round's refund returned all that was bet and not cancelled before it, and ended the round."""
    refund = next((row for row in rows if row.call == "refund"), None)
    if refund is None:
        return
    owed = -sum((row.amount for row in rows if row.call in {"bet", "cancel"} and row.seq < refund.seq), ZERO)
    if refund.amount != owed:
        yield f"the refund paid {refund.amount:f}, and {owed:f} was staked\n{_told(played.calls, rows)}"
    for row in rows:
        if row.seq > refund.seq and row.amount != 0:
            yield f"money moved after the refund\n{_told(played.calls, rows)}"


def _cash(played: Sequence[Played], book: Book, opening: Mapping[str, Decimal]) -> Iterator[str]:
    """Check that each acknowledged balance was the wallet's at a moment while the call was under way.

    Not before what had been acknowledged to anybody when the call was sent, and not after what was logged when the
    answer came; at its own transaction or later.
    """
    answered = defaultdict(list)
    for one in played:
        for call in one.calls:
            for attempt in call.attempts:
                answered[call.the_round.user_id].append((call, attempt))
    for user_id, attempts in answered.items():
        rows = book.by_player.get(user_id, [])
        number = {row.id: place for place, row in enumerate(rows, 1)}
        known = sorted(
            (attempt.received, number[attempt.transaction_id])
            for _, attempt in attempts
            if attempt.transaction_id in number
        )
        times, highest = [at for at, _ in known], list(accumulate((place for _, place in known), max))
        logged_at = list(accumulate((row.at for row in rows), max))
        balances = [opening[user_id], *(row.balance for row in rows)]
        for call, attempt in attempts:
            if attempt.cash is None:
                continue
            before = bisect_left(times, attempt.sent)
            first = max(highest[before - 1] if before else 0, number.get(attempt.transaction_id or "", 0))
            last = bisect_right(logged_at, attempt.received)
            if attempt.cash not in balances[first : last + 1]:
                then = ", ".join(f"{balance:f}" for balance in balances[first : last + 1][:10])
                yield f"the balance {attempt.cash} was never the wallet's then, but {then}\n{_told([call], ())}"


def _final_balances(
    played: Iterable[Played], opening: Mapping[str, Decimal], final: Mapping[str, Decimal]
) -> Iterator[str]:
    """Reckon each player's balance from acknowledgements alone: a refunded round costs nothing and wins nothing."""
    reckoned = dict(opening)
    for one in played:
        refunds = one.named("Refund")
        if refunds and all(call.code != "0" for call in refunds):
            for call in one.calls:
                if call.code == "0" and call.amount is not None:
                    reckoned[one.the_round.user_id] += -call.amount if call.name == "Bet" else call.amount
    for user_id, balance in reckoned.items():
        if final[user_id] != balance:
            yield f"player {user_id} has {final[user_id]:f}; by what was acknowledged it is {balance:f}"
