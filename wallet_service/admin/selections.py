"""Selections of rounds that are cancelled together: one entry of the action log each, which names the rounds.

The entry is what every worker can see, and what outlives the one that asks: how a selection goes is read from the
rounds' own records.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, Engine

from wallet_service.admin.action_reads import action_of
from wallet_service.cancelling import ANSWER_PATIENCE_S
from wallet_service.ledger.actions import enter_action
from wallet_service.ledger.cancellation_reads import rounds_asked_for
from wallet_service.ledger.round_reads import RoundKey, RoundRow, rounds_named

__all__ = ["Preview", "Progress", "Selection", "preview_of", "progress_of", "record_selection", "selection_of"]

UNDER_WAY = frozenset({"requested", "accepted"})
WAITING = "waiting"
"""State of a round that the selection has not come to yet."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What cancelling the chosen rounds will do."""

    rounds: list[RoundRow]
    """Those to ask for."""
    returns: dict[str, Decimal]
    """Their stakes, by currency."""
    settled: int
    """How many of them may end in the review queue."""
    left_out: dict[str, int]
    """The others, by the reason why nobody is asked for them."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The rounds that somebody had cancelled together, and why."""

    id: UUID
    by_whom: str
    why: str
    at: datetime
    rounds: list[RoundKey]


@dataclass(frozen=True, slots=True)
class Progress:
    """How a selection goes. ``states`` has each round; ``is_stopped`` says that nobody asks for the waiting ones."""

    states: dict[RoundKey, str]
    counts: dict[str, int]
    total: int
    asked: int
    is_over: bool
    is_stopped: bool

    @property
    def waiting(self) -> list[RoundKey]:
        """The rounds that it has not come to."""
        return [key for key, state in self.states.items() if state == WAITING]


def preview_of(connection: Connection, keys: Collection[RoundKey], objection: Callable[[RoundRow], str]) -> Preview:
    """Tell what cancelling the rounds will do. ``objection`` says why one cannot be asked for; nothing where it can."""
    known, asked_for = rounds_named(connection, keys), rounds_asked_for(connection, keys)
    left_out: Counter[str] = Counter()
    chosen, returns = [], dict[str, Decimal]()
    for key in keys:
        the_round, (state, _) = known.get(key), asked_for.get(key, ("", None))
        if the_round is None:
            left_out["unknown to the wallet"] += 1
        elif the_round.is_void:
            left_out["refunded or cancelled already"] += 1
        elif state in UNDER_WAY:
            left_out["asked for already"] += 1
        elif objected := objection(the_round):
            left_out[f"Lucky Monaco cannot be asked: {objected}"] += 1
        else:
            chosen.append(the_round)
            stake = the_round.staked - the_round.cancelled
            returns[the_round.currency] = returns.get(the_round.currency, Decimal(0)) + stake
    settled = sum(the_round.state != "open" for the_round in chosen)
    return Preview(chosen, dict(sorted(returns.items())), settled, dict(left_out))


def record_selection(writes: Engine, selection_id: UUID, keys: list[RoundKey], *, by_whom: str, why: str) -> bool:
    """Write the selection to the action log; tell whether it is a new one, or its form was sent before."""
    after = {"rounds": [list(key) for key in keys]}
    with writes.begin() as connection:
        # Its time is the clock of the cancellations, which are compared with it.
        return enter_action(
            connection, selection_id, "cancel", f"{len(keys)} rounds", by_whom, why, before=None, after=after
        )


def selection_of(connection: Connection, selection_id: UUID) -> Selection | None:
    """Return a selection by its id."""
    entry = action_of(connection, "", selection_id)
    if entry is None or entry.kind != "cancel" or entry.after is None:
        return None
    return Selection(entry.id, entry.by_whom, entry.why, entry.at, [tuple(key) for key in entry.after["rounds"]])


def progress_of(connection: Connection, selection: Selection) -> Progress:
    """Tell how a selection goes, from the records of its rounds."""
    known = rounds_named(connection, selection.rounds)
    asked_for = rounds_asked_for(connection, selection.rounds)
    states = dict.fromkeys(selection.rounds, WAITING)
    last = selection.at
    for key in selection.rounds:
        state, asked_at = asked_for.get(key, (WAITING, selection.at))
        # What was asked for in vain before the selection is still to be asked for by it.
        if asked_at >= selection.at or state in UNDER_WAY:
            states[key], last = state, max(last, asked_at)
        if key in known and known[key].is_void:
            states[key] = "refunded" if known[key].state == "refunded" else "cancelled"
    counts = Counter(states.values())
    waiting = counts[WAITING]
    is_stopped = waiting > 0 and datetime.now(UTC) - last > timedelta(seconds=ANSWER_PATIENCE_S)
    is_over = not waiting and not any(counts[state] for state in UNDER_WAY)
    total = len(selection.rounds)
    return Progress(states, dict(counts), total, total - waiting, is_over, is_stopped)
