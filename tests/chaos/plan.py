"""Which faults a run makes and when: the same plan for the same seed. How long each takes is the machine's affair."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

__all__ = ["KINDS", "LANES", "Fault", "Kind", "planned"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: in which lane, how often beside the others there, and for how many seconds."""

    lane: str
    weight: int
    shortest: float = 0.0
    longest: float = 0.0


KINDS = {
    "kill_worker": Kind("processes", 5),
    "kill_server": Kind("processes", 2, 0.0, 0.5),
    "terminate_backends": Kind("processes", 5),
    "kill_backend": Kind("processes", 2),
    "kill_postgres": Kind("processes", 2, 0.0, 0.5),
    "stop_worker": Kind("processes", 3, 0.2, 2.5),
    "stop_backends": Kind("processes", 3, 0.2, 2.5),
    "stop_postgres": Kind("processes", 1, 0.2, 2.5),
    "cut_database": Kind("ways", 3, 0.0, 1.0),
    "silence_database": Kind("ways", 2, 0.2, 2.5),
    "delay_database": Kind("ways", 2, 0.5, 1.5),
    "lose_database_answers": Kind("ways", 4, 0.1, 0.8),
    "cut_callers": Kind("ways", 3, 0.0, 0.5),
    "lose_answers": Kind("ways", 4, 0.3, 1.5),
    "halve_requests": Kind("ways", 2, 0.3, 1.0),
    "delay_callers": Kind("ways", 2, 0.3, 1.0),
    "fill_connections": Kind("ways", 2, 0.3, 2.0),
    "lock_wallets": Kind("ways", 3, 0.3, 2.5),
    "lock_rounds": Kind("ways", 3, 0.3, 2.0),
    "lock_log": Kind("ways", 1, 0.2, 1.2),
}
"""What can happen. What ends or stops processes is one lane, what befalls connections and locks the other: within a
lane one fault follows the other, and the two lanes overlap as they like."""
LANES = ("processes", "ways")
QUIET_S = (0.3, 2.5)
"""Between two faults of a lane."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One planned fault: so long after the last one of its lane, for so long. ``chance`` decides what else is open."""

    lane: str
    number: int
    kind: str
    quiet: float
    seconds: float
    chance: int


def planned(seed: str, lane: str, only: tuple[str, ...] = ()) -> Iterator[Fault]:
    """Yield the faults of a lane without end; ``only`` of these kinds, where there are any."""
    random = Random(f"{seed}:faults:{lane}")
    kinds = {name: kind for name, kind in KINDS.items() if kind.lane == lane and (not only or name in only)}
    weights = [kind.weight for kind in kinds.values()]
    for number in count(1) if kinds else ():
        [name] = random.choices(list(kinds), weights)
        kind = kinds[name]
        quiet, seconds = random.uniform(*QUIET_S), random.uniform(kind.shortest, kind.longest)
        yield Fault(lane, number, name, round(quiet, 2), round(seconds, 2), random.randrange(10**9))
