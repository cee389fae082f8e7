"""How a call can end.

``Outcome`` is written in the order of precedence of rule 14: where several refusals would fit, the first one here is
the answer. Success stands last, because a call succeeds only when nothing above it spoke.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

__all__ = ["Outcome", "Receipt"]


class Outcome(StrEnum):
    """One sentence for each way a call can end. A refusal is a value; only faults are exceptions."""

    CREDENTIALS_WRONG = "credentials_wrong"
    """The caller did not prove to be Lucky Monaco. Nothing it said was looked at."""
    INVALID_PARAMETER = "invalid_parameter"
    """A field has the wrong type, is too long, or holds what cannot be stored."""
    INVALID_AMOUNT = "invalid_amount"
    """An amount is negative, not a finite number, too precise or too large (rule 12)."""
    EMPTY_FIELD = "empty_field"
    """A mandatory field is missing or empty."""
    CURRENCY_UNKNOWN = "currency_unknown"
    """The currency is neither in ISO 4217 nor among the operator's extra ones."""
    PLAYER_UNKNOWN = "player_unknown"
    """No player has this id."""
    WALLET_EXISTS = "wallet_exists"
    """The player already has a wallet in this currency; it stays as it is."""
    WALLET_UNKNOWN = "wallet_unknown"
    """The player has no wallet in this currency or, where none was named, not exactly one wallet."""
    CURRENCY_MISMATCH = "currency_mismatch"
    """The round is played in another currency."""
    ROUND_REFUNDED = "round_refunded"
    """The round was refunded, or its bet was refunded before it arrived, so nothing may be staked (rules 3 and 5)."""
    BET_CANCELLED = "bet_cancelled"
    """The bet was cancelled, perhaps before it arrived (rule 6)."""
    REFERENCE_REUSED = "reference_reused"
    """The reference belongs to another such call: amount, round or currency differ from the first (rule 7)."""
    ROUND_SETTLED = "round_settled"
    """The round has a result or was ended, so its refund waits for ops (rule 4)."""
    REVERSAL_NOT_COVERED = "reversal_not_covered"
    """The wallet cannot give back the round's wins, so the refund waits for ops (rule 4)."""
    BET_IN_ANOTHER_ROUND = "bet_in_another_round"
    """The bet to cancel stands in another round than the one named, so it waits for ops (rule 6)."""
    LAST_BET_OF_SETTLED_ROUND = "last_bet_of_settled_round"
    """Cancelling it would leave a result without a bet, so it waits for ops (rule 6)."""
    BETS_CANCELLED = "bets_cancelled"
    """Every bet of the round was cancelled, so it can win nothing (rule 9)."""
    ROUND_WITHOUT_BET = "round_without_bet"
    """The round has no bet yet; the result is not paid, and may be sent again (rule 9)."""
    ROUND_ENDED = "round_ended"
    """The round was ended, so no bet is taken in it (rule 10)."""
    PLAYER_FROZEN = "player_frozen"
    """The player may not bet (rule 8)."""
    INSUFFICIENT_BALANCE = "insufficient_balance"
    """The wallet holds less than the stake (rule 11)."""
    REVIEW_UNKNOWN = "review_unknown"
    """No such round waits for a decision, or it was decided."""
    CANCELLATION_UNDER_WAY = "cancellation_under_way"
    """The round's cancellation was asked for already; Lucky Monaco's answer or its Refund is awaited."""
    UNAVAILABLE = "unavailable"
    """The database could not be reached or did not finish in time; nothing is known to have moved (rule 17)."""
    REPLAYED = "replayed"
    """The call was applied before; it succeeds with the first transaction and moves nothing (rules 1 and 7)."""
    APPLIED = "applied"
    """The call took effect, durably."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the wallet says about one call.

    ``transaction_id`` names the transaction that the call made or, on a replay, the first one's; of a requested
    cancellation, the attempt. ``balance`` is the
    wallet's balance after the call, in units of ``currency``; both are ``None`` where no wallet is known, and the
    balance also where a refund is replayed, which is answered without looking at the wallet.
    """

    outcome: Outcome
    transaction_id: UUID | None = None
    currency: str | None = None
    balance: Decimal | None = None
