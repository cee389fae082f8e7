"""Comparing a period's rounds on both sides, portion by portion, in the memory of three portions.

Nothing is sorted and nothing is kept for the whole period. Lucky Monaco's listing of a portion is compared with the
wallet's rounds as it comes, and leaves only its keys behind. What the wallet has and the listing lacks is looked for
one portion later: the two clocks differ and calls take their time, so a round near a border may be listed in the
portion before or after the one in which the wallet opened it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from wallet_service.ledger.round_reads import RoundKey, RoundRow, rounds_named, rounds_opened
from wallet_service.lucky_monaco import GameRound, RoundStatus
from wallet_service.reconcile.differences import Difference, Kind, compare, is_unfinished
from wallet_service.reconcile.history import History

__all__ = ["Reconciliation", "Summary"]


ASKED_ONE_BY_ONE = 20
"""Rounds of a portion that are asked for singly before they are reported. More of them would take for ever at a call a
minute, and are no matter of seconds: listed ones are compared with a second listing, others reported as missing. So are
those whose id several players share, as the call for one round names no player."""

Found = tuple[Kind, str, str]
"""What differs, here, and there."""


@dataclass(slots=True)
class Summary:
    """What a reconciliation has seen so far, and until when it is done: a later one can go on from ``done_to``."""

    done_to: datetime
    portions: int = 0
    rounds_here: int = 0
    rounds_there: int = 0
    differences: Counter[Kind] = field(default_factory=Counter)


class Reconciliation:
    """Compares the rounds from ``start`` to before ``end``; both in whole seconds, as Lucky Monaco is asked so.

    Their rounds of the portion before ``start`` and after ``end`` are read for their keys alone. ``oldest`` is how far
    back they answer. A round that they have not finished ``stuck_after`` its beginning is stuck.
    """

    def __init__(
        self,
        history: History,
        wallet: Engine,
        start: datetime,
        end: datetime,
        *,
        portion: timedelta,
        oldest: datetime,
        stuck_after: timedelta,
    ) -> None:
        self.summary = Summary(done_to=start)
        self._history = history
        self._wallet = wallet
        self._start, self._end = start, end
        self._portion = portion
        self._oldest = oldest
        self._stuck_after = stuck_after

    @property
    def portions(self) -> int:
        """How many portions the period has."""
        return -((self._start - self._end) // self._portion)

    def differences(self, on_portion: Callable[[], None]) -> Iterator[Difference]:
        """Yield each difference when it is found; ``on_portion`` is called after each portion of the listing.

        Raises:
            NotWholeError: a listing lacks rounds.
            LuckyMonacoError: a call was refused, or its answer is unknown or cannot be read.
            DBAPIError: the database could not be read.

        """
        before: set[RoundKey] = set()
        last = self._keys(max(self._start - self._portion, self._oldest), self._start)
        pending: tuple[datetime, datetime] | None = None  # the portion whose unlisted rounds are still to be found
        start = self._start
        while start < self._end:
            end = min(start + self._portion, self._end)
            keys: set[RoundKey] = set()
            # A listing may have its last second in common with the next one: no round is compared twice.
            yield from self._compare_listed(start, end, keys, compared=last if pending else ())
            if pending:
                yield from self._compare_unlisted(*pending, (before, last, keys))
            before, last, pending = last, keys, (start, end)
            self.summary.portions += 1
            self.summary.done_to = start
            on_portion()
            start = end
        now = datetime.now(UTC).replace(microsecond=0)
        after = self._keys(self._end, min(self._end + self._portion, now))
        if pending:
            yield from self._compare_unlisted(*pending, (before, last, after))
        self.summary.done_to = self._end

    def _keys(self, start: datetime, end: datetime) -> set[RoundKey]:
        keys: set[RoundKey] = set()
        if start < end:
            for page in self._history.rounds(start, end):
                keys.update((item.user_id, item.round_id) for item in page)
        return keys

    def _compare_listed(
        self, start: datetime, end: datetime, keys: set[RoundKey], *, compared: Collection[RoundKey]
    ) -> Iterator[Difference]:
        """Compare what Lucky Monaco lists and was not ``compared`` before, and add all its keys to ``keys``."""
        suspects: dict[RoundKey, str] = {}
        for page in self._history.rounds(start, end):
            listed = {(item.user_id, item.round_id): item for item in page}
            keys.update(listed)
            fresh = {key: item for key, item in listed.items() if key not in compared}
            self.summary.rounds_there += len(fresh)
            for key, item, here, found in self._compared(fresh, end):
                if found and is_unfinished(here, _status(item)):
                    suspects[key] = item.at
                else:
                    yield from self._report(key, found, here, _status(item), item.at)
        yield from self._look_again(suspects, keys, start, end)

    def _look_again(
        self, suspects: dict[RoundKey, str], keys: set[RoundKey], start: datetime, end: datetime
    ) -> Iterator[Difference]:
        """Compare rounds that may have changed between the readings of the two sides by what both say now."""
        players = Counter(round_id for _, round_id in keys) if suspects else Counter()
        few = len(suspects) <= ASKED_ONE_BY_ONE
        listed_again = {key for key in suspects if not few or players[key[1]] > 1}
        for key, at in suspects.items():
            if key not in listed_again:
                yield from self._ask_for(key, end, at)
        if listed_again:
            for page in self._history.rounds(start, end):
                again = {(item.user_id, item.round_id): item for item in page}
                again = {key: item for key, item in again.items() if key in listed_again}
                for key, item, here, found in self._compared(again, end):
                    yield from self._report(key, found, here, _status(item), item.at)

    def _compared(
        self, listed: dict[RoundKey, GameRound], end: datetime
    ) -> Iterator[tuple[RoundKey, GameRound, RoundRow | None, list[Found]]]:
        """Compare rounds of a listing with the wallet's as they are now."""
        with self._wallet.connect() as connection:
            rows = rounds_named(connection, listed.keys())
        for key, item in listed.items():
            here = rows.get(key)
            yield key, item, here, compare(here, _status(item), old=self._is_old(here, end))

    def _compare_unlisted(
        self, start: datetime, end: datetime, listed: tuple[Collection[RoundKey], ...]
    ) -> Iterator[Difference]:
        """Find the wallet's rounds of a portion that are ``listed`` neither in it nor in the ones beside it."""
        missing: list[RoundRow] = []
        with self._wallet.connect() as connection:  # a transaction does not stay open for the calls that may follow
            for row in rounds_opened(connection, start, end):
                self.summary.rounds_here += 1
                if not any(row.key in keys for keys in listed) and compare(row, None, old=False):
                    missing.append(row)
        shared = {round_id for keys in listed for _, round_id in keys} if missing else set()
        for row in missing:
            if len(missing) > ASKED_ONE_BY_ONE or row.round_id in shared:
                yield from self._report(row.key, compare(row, None, old=False), row, None, "")
            else:
                yield from self._ask_for(row.key, end, "")

    def _ask_for(self, key: RoundKey, end: datetime, at: str) -> Iterator[Difference]:
        """Compare a round with what Lucky Monaco says when asked for it alone."""
        there = self._history.status(key[1])
        with self._wallet.connect() as connection:
            here = rounds_named(connection, [key]).get(key)
        yield from self._report(key, compare(here, there, old=self._is_old(here, end)), here, there, at)

    def _is_old(self, here: RoundRow | None, end: datetime) -> bool:
        """Tell whether the round began, at the latest with the portion's ``end``, so long ago that it is stuck."""
        return (here.opened_at if here else end) < datetime.now(UTC) - self._stuck_after

    def _report(
        self,
        key: RoundKey,
        found: list[Found],
        here: RoundRow | None,
        there: RoundStatus | None,
        at: str,
    ) -> Iterator[Difference]:
        side = here or there
        for kind, told_here, told_there in found:
            self.summary.differences[kind] += 1
            began = here.opened_at.astimezone(UTC).isoformat(timespec="seconds") if here else at
            yield Difference(kind, *key, side.currency if side else "", told_here, told_there, began)


def _status(item: GameRound) -> RoundStatus:
    return RoundStatus(item.state, item.currency, item.staked, item.won)
