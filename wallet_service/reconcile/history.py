"""Lucky Monaco's rounds of the past, read no faster than they allow."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from itertools import count
from typing import TypeVar

from wallet_service.lucky_monaco import Answer, GameRound, LuckyMonaco, LuckyMonacoError, RoundPage, RoundStatus
from wallet_service.pace import Pace

__all__ = ["History", "NotWholeError"]

NO_DATA = "17"
INVALID_PARAMETER = "57"
"""Codes of section 6 of the contract."""

T = TypeVar("T")


class NotWholeError(Exception):
    """Fewer rounds were listed than Lucky Monaco says there are."""


class History:
    """Reads Lucky Monaco's rounds through a client at a pace. ``calls`` counts what was asked."""

    def __init__(self, lucky_monaco: LuckyMonaco, pace: Pace) -> None:
        self.calls = 0
        self._lucky_monaco = lucky_monaco
        self._pace = pace
        self._first_page = 1

    def rounds(self, start: datetime, end: datetime) -> Iterator[list[GameRound]]:
        """Yield all rounds between two times: a page at a time, each round once.

        Whether pages are counted from 0 or from 1 is theirs to choose and not told. Where the pages from 1 on are short
        of rounds, page 0 has the rest, and is asked for first from then on. Rounds may be added meanwhile: the last
        total that was told counts.

        Raises:
            NotWholeError: rounds are missing.
            LuckyMonacoError: a page was refused, or its answer is unknown or cannot be read.

        """
        seen: set[tuple[str, str]] = set()
        total = 0
        for numbers, in_vain in (
            (count(self._first_page), {NO_DATA}),
            (range(self._first_page), {NO_DATA, INVALID_PARAMETER}),  # those who count from 1 may refuse page 0
        ):
            for number in numbers:
                page = self._page(start, end, number, in_vain)
                if page is None:
                    break
                total = page.total
                fresh = {(item.user_id, item.round_id): item for item in page.rounds}
                fresh = {key: item for key, item in fresh.items() if key not in seen}
                seen.update(fresh)
                if fresh:
                    yield list(fresh.values())
                    self._first_page = min(self._first_page, number)
                if len(seen) >= total:
                    return
                if not fresh:
                    break
        if len(seen) < total:
            raise NotWholeError(
                f"Lucky Monaco speaks of {total} rounds from {start.isoformat()} to {end.isoformat()} "
                f"and lists {len(seen)}"
            )

    def status(self, round_id: str) -> RoundStatus | None:
        """Return what they say of the round now; None where they do not have it, or it cannot be theirs.

        The call names no player: at a table that several share, the answer may be about another one's part.

        Raises:
            LuckyMonacoError: the call was refused otherwise, or its answer is unknown or cannot be read.

        """
        try:
            return self._asked(lambda: self._lucky_monaco.round_status(round_id), {NO_DATA, INVALID_PARAMETER})
        except ValueError:
            return None  # it cannot be an identifier of theirs

    def _page(self, start: datetime, end: datetime, number: int, in_vain: Collection[str]) -> RoundPage | None:
        return self._asked(lambda: self._lucky_monaco.game_rounds(start, end, page=number), in_vain)

    def _asked(self, ask: Callable[[], T], in_vain: Collection[str]) -> T | None:
        """Make a call when its turn has come. A refusal with one of the codes ``in_vain`` means that there is none."""
        with self._pace:
            self.calls += 1
            try:
                return ask()
            except LuckyMonacoError as error:
                if error.reply.answer is Answer.REFUSED and error.reply.code in in_vain:
                    return None
                raise
