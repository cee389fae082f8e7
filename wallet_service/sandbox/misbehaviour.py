"""What the sandbox can be told to do wrong: everything that networks and busy senders do to messages."""

from dataclasses import dataclass, fields
from random import Random

__all__ = ["Misbehaviour", "Mishap"]

MAX_DELAY_S = 60.0


@dataclass(frozen=True, slots=True)
class Mishap:
    """What befalls one message."""

    forged_first: bool
    """A copy with a wrong hash goes ahead; the wallet must answer it 54."""
    delay: float
    """Seconds it waits."""
    request_lost: bool
    answer_lost: bool
    duplicated: bool
    at_once: bool
    """The duplicate is sent at the same time, not afterwards."""
    late_copy: bool
    """A copy, or the lost request itself, arrives after a later message of the round."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """How probable each thing is, from 0 to 1, and the longest delay in seconds.

    Raises:
        ValueError: a number is none, or out of its range. The message names it.

    """

    lost_requests: float = 0.0
    lost_answers: float = 0.0
    duplicates: float = 0.0
    delays: float = 0.0
    reordering: float = 0.0
    wrong_hash: float = 0.0
    refund_first: float = 0.0
    """CancelRound is answered only after its Refund was sent and answered."""
    no_refund: float = 0.0
    """CancelRound is answered with success, and no Refund is ever sent."""
    longest_delay: float = 0.5

    def __post_init__(self) -> None:
        for item in fields(self):
            value, most = getattr(self, item.name), MAX_DELAY_S if item.name == "longest_delay" else 1
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
                raise ValueError(f"{item.name} must be a number from 0 to {most:g}")

    def draw(self, random: Random) -> Mishap:
        """Decide what befalls a message. The draws are always as many, so that one setting does not shift another's."""
        chance = [random.random() for _ in range(8)]
        return Mishap(
            forged_first=chance[0] < self.wrong_hash,
            delay=chance[2] * self.longest_delay if chance[1] < self.delays else 0.0,
            request_lost=chance[3] < self.lost_requests,
            answer_lost=chance[4] < self.lost_answers,
            duplicated=chance[5] < self.duplicates,
            at_once=chance[6] < 1 / 2,
            late_copy=chance[7] < self.reordering,
        )
