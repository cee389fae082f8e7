"""Amounts of money: exact as text, and exact in sums."""

import re
from decimal import Decimal, DefaultContext, getcontext

__all__ = ["BALANCE_LIMIT", "DIGITS", "PLACES", "ZERO", "format_money", "parse_money"]

DIGITS = 14
"""Digits an amount may have before the point (contract, rule 12)."""
BALANCE_LIMIT = Decimal(10) ** 20
"""What every balance stays below (``NUMERIC(38,18)``)."""
ZERO = Decimal(0)
PLACES = 18
"""Digits an amount may have after the point (contract, section 4)."""

# Python would round sums, and even a minus sign, to 28 digits; a balance has up to 38, a sum of many some more. Threads
# begin with the default context, this one has had its own already.
DefaultContext.prec = getcontext().prec = 60

# The grammar of a JSON number, with leading zeros and a leading plus left to the sender: Decimal() alone would also
# take "1_000", "Infinity" and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,6})?", re.ASCII)


def parse_money(text: str) -> Decimal:
    """Read a non-negative amount, exactly as written.

    Raises:
        ValueError: the text is no finite decimal number, is negative, or is larger or more precise than
            ``NUMERIC(32,18)`` holds (rule 12).

    """
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a decimal number")
    amount = Decimal(text)
    if amount < 0:
        raise ValueError("negative")
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -PLACES:
        raise ValueError(f"more than {PLACES} decimal places")
    if amount and amount.adjusted() >= DIGITS:
        raise ValueError(f"more than {DIGITS} digits before the point")
    return amount or ZERO


def format_money(amount: Decimal) -> str:
    """Write an amount as the contract's plain decimal: at least two places, further zeros dropped, no exponent."""
    whole, _, places = f"{amount:f}".partition(".")
    return f"{whole}.{places.rstrip('0'):0<2}"
