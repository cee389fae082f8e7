"""What can be a name from outside: a player's, a round's, a game's, a reference. One rule for all ways in."""

import re

__all__ = ["has_controls", "is_name"]

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def has_controls(text: str) -> bool:
    """Tell whether a text has control characters or lone surrogates: not all of them can be stored or sent."""
    return _CONTROLS.search(text) is not None


def is_name(text: str, max_length: int) -> bool:
    """Tell whether a text can be a name of at most so many characters: not blank, and without control characters.

    Whatever else Unicode has is taken, such as blanks of odd kinds and what changes the direction of writing.
    """
    return bool(text.strip()) and len(text) <= max_length and not has_controls(text)
