"""What a run was and did, a JSON object a line: its options, each fault, at last the verdict; to be replayed."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

import click

from tests.chaos.plan import Fault, planned

__all__ = ["History", "Options", "faults_of", "read_options"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is to be. It goes on until both numbers are reached, and no longer than ``seconds``."""

    seed: str
    seconds: float
    refunds: int
    faults: int
    actors: int
    quiet: float
    """So many times the planned time lies between two faults."""
    broken: tuple[str, ...]
    only: tuple[str, ...]
    replay: str = ""
    """The history of the run whose faults are made again."""


class History:
    """Writes a run's history, and shows it in short. Threads share it."""

    def __init__(self, path: Path, options: Options) -> None:
        """Begin a history."""
        self.done: Counter[str] = Counter()
        self._file = path.open("w")
        self._lock = Lock()
        self._began = monotonic()
        self.write(options=asdict(options))

    def write(self, **entry: Any) -> None:
        """Add an entry."""
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def show(self, text: str) -> None:
        """Say something on the terminal, with the time since the beginning."""
        click.echo(f"{monotonic() - self._began:7.1f}  {text}")

    def fault(self, fault: Fault, began: float, what: str, *, done: bool) -> None:
        """Enter a fault that is over, or could not be made."""
        if done:
            self.done[fault.kind] += 1
        took = monotonic() - began
        self.write(fault=asdict(fault), at=round(began - self._began, 2), took=round(took, 2), what=what, done=done)
        self.show(f"{fault.kind:<22} {took:5.2f} s  {what if done else f'not done: {what}'}")

    def close(self) -> None:
        """End it."""
        self._file.close()


def read_options(path: Path) -> Options:
    """Read what a run was to be.

    Raises:
        ValueError: it is no history.

    """
    try:
        with path.open() as lines:
            known = json.loads(next(lines))["options"]
        return Options(**{**known, "broken": tuple(known["broken"]), "only": tuple(known["only"]), "replay": str(path)})
    except (StopIteration, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no history of a run") from error


def faults_of(options: Options, lane: str) -> Iterator[Fault]:
    """Yield a lane's faults: those of the history that is replayed, in their order, and then on by the seed."""
    number = 0
    if options.replay:
        with Path(options.replay).open() as lines:
            entries = (json.loads(line) for line in lines)
            known = [Fault(**entry["fault"]) for entry in entries if "fault" in entry]
        for fault in sorted((fault for fault in known if fault.lane == lane), key=lambda fault: fault.number):
            number = fault.number
            yield fault
    for fault in planned(options.seed, lane, options.only):
        if fault.number > number:
            yield fault
