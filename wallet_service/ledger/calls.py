"""What a wallet can be asked to do, in the words of the field.

Each class is one call with its facts already read and checked. ``sent`` is the caller's request as JSON text without
its credentials; it is kept with the transaction or refusal that the call leaves behind. A ``currency`` of ``None``
means the player's only wallet (contract, section 4: V4 names no currency).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

__all__ = [
    "Adjust",
    "AdjustmentKind",
    "AnswerCancellation",
    "Balance",
    "Bet",
    "Call",
    "Cancel",
    "Check",
    "DecideReview",
    "EndRound",
    "OpenWallet",
    "OpenWalletByHand",
    "QueueReview",
    "Refund",
    "RequestCancellation",
    "Result",
    "SessionExpired",
    "SetPlayerState",
    "Transfer",
    "TransferKind",
    "WalletCall",
    "Win",
    "WinKind",
]

TransferKind = Literal["deposit", "withdrawal"]
AdjustmentKind = Literal["credit", "debit"]
WinKind = Literal["promo_win", "bonus_win", "jackpot_win"]


@dataclass(frozen=True, slots=True)
class OpenWallet:
    """Open a player's wallet in one currency, and the player with the first one.

    ``opening_balance`` is in units of the currency (``Decimal("1000.00")`` is a thousand dollars, not cents).
    """

    user_id: str
    currency: str
    opening_balance: Decimal


@dataclass(frozen=True, slots=True)
class OpenWalletByHand:
    """A person opens a wallet, as ``OpenWallet``. Who and why is kept for ever, where it opens with money."""

    user_id: str
    currency: str
    opening_balance: Decimal
    by_whom: str
    why: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """The operator's own platform puts money into a wallet or takes it out, once per reference."""

    user_id: str
    kind: TransferKind
    currency: str
    reference: str
    amount: Decimal
    sent: str


@dataclass(frozen=True, slots=True)
class Adjust:
    """Add money to a wallet by hand (credit) or take it (debit), once per ``reference``. Who and why is kept."""

    user_id: str
    kind: AdjustmentKind
    currency: str
    reference: str
    amount: Decimal
    by_whom: str
    why: str
    sent: str


@dataclass(frozen=True, slots=True)
class SetPlayerState:
    """Freeze a player, or lift that (rule 8). Who did it and why is kept for ever."""

    user_id: str
    state: Literal["active", "frozen"]
    by_whom: str
    why: str


@dataclass(frozen=True, slots=True)
class DecideReview:
    """Decide about a round in the review queue: ``refund`` it whole, wins taken back, or ``leave`` it as it is.

    ``round_id``, ``reason`` and ``reference`` are the review's key. Who decided and why is kept for ever.
    """

    user_id: str
    round_id: str
    reason: str
    reference: str
    decision: Literal["refund", "leave"]
    by_whom: str
    why: str
    sent: str


@dataclass(frozen=True, slots=True)
class QueueReview:
    """Put a round into the review queue: a reconciliation found that it differs, and ``reference`` says in what."""

    user_id: str
    currency: str
    round_id: str
    reason: Literal["reconciliation"]
    reference: str


@dataclass(frozen=True, slots=True)
class RequestCancellation:
    """Record that Lucky Monaco is about to be asked to void a round (contract, section 2), and why.

    Without a ``round_id``, every open round of ``game_id``. The answer is awaited for ``patience`` seconds. The
    receipt's ``transaction_id`` names the attempt, which the answer belongs to; on a replay, the round's refund.
    """

    user_id: str
    round_id: str | None
    game_id: str | None
    by_whom: str
    why: str
    patience: int


@dataclass(frozen=True, slots=True)
class AnswerCancellation:
    """Record what Lucky Monaco answered to an attempt. Once accepted, the Refund is awaited ``patience`` seconds."""

    user_id: str
    attempt_id: UUID
    answer: Literal["accepted", "refused", "unknown"]
    code: str
    message: str
    patience: int


@dataclass(frozen=True, slots=True)
class Check:
    """Ask whether the player may play. Nothing moves."""

    user_id: str
    currency: str | None
    sent: str


@dataclass(frozen=True, slots=True)
class SessionExpired:
    """Hear that a session is over. Nothing moves."""

    user_id: str
    sent: str


@dataclass(frozen=True, slots=True)
class Balance:
    """Read a wallet's balance. Nothing moves."""

    user_id: str
    currency: str | None
    sent: str


@dataclass(frozen=True, slots=True)
class Bet:
    """Take ``amount`` from the wallet as the stake of a round (contract, section 4).

    A bet with a ``bonus_code`` is a free round: it costs nothing and returns nothing (rule 2).
    """

    user_id: str
    currency: str | None
    round_id: str
    game_id: str
    reference: str
    amount: Decimal
    bonus_code: str | None
    sent: str


@dataclass(frozen=True, slots=True)
class Result:
    """Pay what a round won, and so settle it (contract, section 4; rules 9 and 13).

    ``promo_amount`` is paid on top, once per ``promo_reference``; both are ``None`` where there is none.
    """

    user_id: str
    currency: str | None
    round_id: str
    game_id: str
    reference: str
    amount: Decimal
    bonus_code: str | None
    promo_amount: Decimal | None
    promo_reference: str | None
    sent: str


@dataclass(frozen=True, slots=True)
class EndRound:
    """Hear that a round takes no more bets (rule 10)."""

    user_id: str
    currency: str | None
    round_id: str
    sent: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Return the one bet that has the reference (rule 6)."""

    user_id: str
    currency: str | None
    round_id: str
    reference: str
    sent: str


@dataclass(frozen=True, slots=True)
class Win:
    """Pay a promo, bonus or jackpot win, once per reference (rule 13).

    A bonus win with a ``bonus_code`` pays what that bonus has not paid yet.
    """

    user_id: str
    kind: WinKind
    currency: str | None
    round_id: str | None
    reference: str
    amount: Decimal
    bonus_code: str | None
    sent: str


@dataclass(frozen=True, slots=True)
class Refund:
    """Return a voided round's stake (contract, section 3).

    ``amount`` is what the caller stated, kept for the log and never trusted (rule 2). Without a ``round_id`` the
    round is that of the bet with ``reference``.
    """

    user_id: str
    currency: str | None
    round_id: str | None
    game_id: str | None
    reference: str
    amount: Decimal | None
    sent: str


WalletCall = Check | Balance | Bet | Result | EndRound | Cancel | Refund | Win | SessionExpired
"""What Lucky Monaco asks."""
Call = (
    WalletCall
    | OpenWallet
    | OpenWalletByHand
    | Transfer
    | Adjust
    | SetPlayerState
    | DecideReview
    | QueueReview
    | RequestCancellation
    | AnswerCancellation
)
