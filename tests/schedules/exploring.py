"""Every schedule of a meeting that can differ from the others, each of them once.

Wherever more than one session can go on, each of them does. Of two schedules that differ only in which of two
neighbouring steps came first, and where that cannot be told afterwards, one is run (sleep sets: Godefroid, "Partial-
Order Methods for the Verification of Concurrent Systems", 1996). It can be told of two statements that write or lock
rows of the same table; of a COMMIT and a statement that reads or writes what it publishes; and of two COMMITs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from tests.schedules.judging import Ending, Meeting
from tests.schedules.sessions import COMMIT, Stage

__all__ = ["Schedule", "explore"]

WRITTEN = re.compile(r"(\w+)!")


@dataclass(frozen=True)
class Step:
    """What a session does next: a statement or its COMMIT. ``read`` are the tables that it reads alone."""

    stop: str
    read: frozenset[str]
    written: frozenset[str]

    def told_from(self, other: "Step") -> bool:
        """Tell whether it can make a difference which of the two comes first."""
        if self.stop == other.stop == COMMIT or self.written & other.written:
            return True
        return (self.stop == COMMIT and bool(self.written & other.read)) or (
            other.stop == COMMIT and bool(other.written & self.read)
        )


@dataclass
class Place:
    """A place in the tree of schedules: who can go on, who went already, and who need not: it makes no difference."""

    ready: dict[int, Step]
    asleep: set[int]
    went: list[int] = field(default_factory=list)

    def rest(self) -> list[int]:
        """Return the sessions that have to go from here yet."""
        return [number for number in self.ready if number not in self.asleep and number not in self.went]

    def asleep_after(self) -> set[int]:
        """Return who need not go next, once the last one that went has gone."""
        step = self.ready[self.went[-1]]
        return {number for number in self.asleep.union(self.went[:-1]) if not self.ready[number].told_from(step)}


@dataclass
class Schedule:
    """One order in which the sessions went, where it led, and what is wrong with that; ``None`` where nothing is."""

    meeting: Meeting
    user: str
    steps: list[tuple[int, str]] = field(default_factory=list)
    ending: Ending | None = None
    fault: str | None = None

    def __str__(self) -> str:
        return f"{self.meeting}: {''.join('abc'[number] for number, _ in self.steps)}"

    def story(self) -> str:
        """Return every step: who went, and from which stop."""
        return "\n".join(f"    {'abc'[number]} {self.meeting.calls[number]:22} {stop}" for number, stop in self.steps)


def explore(stage: Stage, meeting: Meeting, *, every: bool) -> Iterator[Schedule]:
    """Run the schedules of the meeting and say what each came to. ``every`` one: without leaving any out."""
    endings = meeting.serial_endings(stage.control)
    path: list[Place] = []
    while True:
        schedule = _run(stage, meeting, path, every=every)
        if schedule:
            errors = [f"{'abc'[s.number]}: {s.error}" for s in stage.sessions if s.error]
            ending = schedule.ending = meeting.ending(
                stage.control, schedule.user, [session.receipts for session in stage.sessions]
            )
            # A group passes over only those whose wallets somebody has.
            variants = slice(None) if _overlap(schedule.steps) else slice(1)
            allowed = [one for order in endings if _fits(order, schedule.steps) for one in endings[order][variants]]
            if errors:
                schedule.fault = "; ".join(errors)
            elif ending not in allowed:
                schedule.fault = f"comes of no order of the calls: {ending}\n  allowed: {allowed}"
            yield schedule
        while path and not path[-1].rest():
            path.pop()
        if not path:
            return
        path[-1].went.append(path[-1].rest()[0])


def _run(stage: Stage, meeting: Meeting, path: list[Place], *, every: bool) -> Schedule | None:
    """Go along the path and on to the end; ``None`` where that differs from no other schedule."""
    schedule = Schedule(meeting, meeting.set_up(stage.control))
    stage.begin(meeting.statements(stage.control, schedule.user))
    written: dict[int, set[str]] = {number: set() for number in range(len(meeting.calls))}
    place = 0
    redundant = False
    while stops := stage.ready():
        ready = {number: _step(stop, written[number]) for number, stop in stops.items()}
        if place < len(path):
            assert path[place].ready == ready, f"the schedule cannot be repeated:\n{schedule.story()}"
        elif not redundant:
            fresh = Place(ready, set() if every or not path else path[-1].asleep_after())
            redundant = not fresh.rest()
            if not redundant:
                fresh.went.append(fresh.rest()[0])
                path.append(fresh)
        number = next(iter(ready)) if redundant else path[place].went[-1]
        written[number] |= ready[number].written
        schedule.steps.append((number, ready[number].stop))
        stage.go(number)
        place += 1
    return None if redundant else schedule


def _step(stop: str, written: set[str]) -> Step:
    if stop == COMMIT:
        return Step(stop, frozenset(), frozenset(written))
    tables = stop.rpartition("… ")[2]
    read = frozenset(word for word in tables.split() if not word.endswith("!"))
    return Step(stop, read, frozenset(WRITTEN.findall(tables)))


def _overlap(steps: list[tuple[int, str]]) -> bool:
    """Tell whether a session went while another one was on its way."""
    went = [number for number, _ in groupby(number for number, _ in steps)]
    return len(went) > len(set(went))


def _fits(order: tuple[int, ...], steps: list[tuple[int, str]]) -> bool:
    """Tell whether whoever had ended before another began comes before it in the order."""
    begun = {number: place for place, (number, _) in reversed(list(enumerate(steps)))}
    ended = {number: place for place, (number, stop) in enumerate(steps) if stop == COMMIT}
    return all(
        ended.get(later, len(steps)) > begun[earlier]
        for place, earlier in enumerate(order)
        for later in order[place + 1 :]
    )
