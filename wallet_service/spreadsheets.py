"""Text that a spreadsheet opens from a file without taking it for a formula."""

import re

__all__ = ["harmless"]

FORMULA = re.compile(r"(?:^|(?<=[;|\t\r\n]))(?=[=+\-@\t\r])")
"""Where a spreadsheet would see a formula begin (OWASP, CSV injection), whatever separates cells in its country."""


def harmless(text: str) -> str:
    """Return the text with an apostrophe wherever a formula would begin."""
    return FORMULA.sub("'", text)
