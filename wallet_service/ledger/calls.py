"""What a wallet can be asked to do, in the words of the field.

Each class is one call with its facts already read and checked. ``sent`` is the caller's request as JSON text without
its credentials; it is kept with the transaction or refusal that the call leaves behind. A ``currency`` of ``None``
means the player's only wallet (contract, section 4: V4 names no currency).
"""

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Balance", "Bet", "Call", "OpenWallet", "Refund"]


@dataclass(frozen=True, slots=True)
class OpenWallet:
    """Open a player's wallet in one currency, and the player with the first one.

    ``opening_balance`` is in units of the currency (``Decimal("1000.00")`` is a thousand dollars, not cents).
    """

    user_id: str
    currency: str
    opening_balance: Decimal


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


Call = OpenWallet | Balance | Bet | Refund
