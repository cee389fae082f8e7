"""What the wallet and Lucky Monaco can differ in about one round, and when they agree."""

from dataclasses import dataclass
from enum import StrEnum

from wallet_service.ledger.money import format_money
from wallet_service.ledger.round_reads import RoundRow
from wallet_service.lucky_monaco import RoundStatus

__all__ = ["Difference", "Kind", "compare", "is_unfinished"]


class Kind(StrEnum):
    """What differs."""

    MISSING_HERE = "missing_here"
    """Lucky Monaco has the round, the wallet does not."""
    MISSING_THERE = "missing_there"
    """The wallet has the round and it is not void, Lucky Monaco does not have it."""
    CURRENCY = "currency"
    """The round is in two currencies."""
    BET_AMOUNT = "bet_amount"
    """What was staked, less what was cancelled."""
    WIN_AMOUNT = "win_amount"
    """What the results paid."""
    STATUS = "status"
    """The states contradict each other."""
    STUCK = "stuck"
    """Lucky Monaco has not finished the round for too long."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of one round. A round can have several.

    ``here`` and ``there`` say what the wallet and Lucky Monaco have; empty where the round is missing. ``at`` is when
    the round began: the wallet's time where it has the round, else their text.
    """

    kind: Kind
    user_id: str
    round_id: str
    currency: str
    here: str
    there: str
    at: str


VOID = "void"
"""The standing of a round of which nothing stands."""
AGREEING = {
    "InProgress": {"open", "settled"},
    "CompleteInProcess": {"open", "settled", "ended"},
    "CancelInProcess": {"open", "settled", "ended", VOID},
    "Completed": {"settled", "ended"},
    "Cancelled": {VOID},
}
"""The wallet's standings that do not contradict a state of Lucky Monaco's (contract, section 1)."""
FINISHED = {"Completed", "Cancelled"}


def is_unfinished(here: RoundRow | None, there: RoundStatus | None) -> bool:
    """Tell whether either side may yet change the round, so that a difference may be one of time only.

    A settled round is still open to results; many are never ended.
    """
    return (here is not None and not here.is_void and here.state != "ended") or (
        there is not None and there.state not in FINISHED
    )


def compare(here: RoundRow | None, there: RoundStatus | None, *, old: bool) -> list[tuple[Kind, str, str]]:
    """Return what differs, as (what, here, there). ``old`` says that by now the round should be finished.

    The bet of a free round counts nothing, as it cost nothing (rule 2).
    """
    if there is None:
        return [(Kind.MISSING_THERE, _told(here), "")] if here is not None and not here.is_void else []
    if here is None:
        nothing_to_return = there.state == "Cancelled" and not there.staked
        return [] if nothing_to_return else [(Kind.MISSING_HERE, "", _told(there))]
    found = []
    standing = VOID if here.is_void else here.state
    if here.currency != there.currency:
        found.append((Kind.CURRENCY, here.currency, there.currency))
    if there.state != "CancelInProcess" and (there.state, standing) != ("Cancelled", VOID):  # else nothing is owed
        staked = here.staked - here.cancelled
        if staked != there.staked:
            found.append((Kind.BET_AMOUNT, format_money(staked), format_money(there.staked)))
        if there.won is not None and here.won != there.won:
            found.append((Kind.WIN_AMOUNT, format_money(here.won), format_money(there.won)))
    if standing not in AGREEING.get(there.state, ()):
        found.append((Kind.STATUS, standing, there.state))
    if old and there.state not in FINISHED:
        found.append((Kind.STUCK, standing, there.state))
    return found


def _told(side: RoundRow | RoundStatus | None) -> str:
    if side is None:
        return ""
    if isinstance(side, RoundStatus):
        state, staked, won = side.state, side.staked, side.won
    else:
        state, staked, won = side.state, side.staked - side.cancelled, side.won
    return f"{state}, bet {format_money(staked)}" + ("" if won is None else f", won {format_money(won)}")
