"""What is found when a deployment is examined."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Grade", "fault", "good", "warning"]


class Grade(StrEnum):
    """What a finding means: all is well, it should be looked at, it does not work or loses money."""

    GOOD = "good"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what it is about, what was found, and what to do about it unless all is well."""

    about: str
    grade: Grade
    found: str
    mend: str = ""


def good(about: str, found: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(about, Grade.GOOD, found)


def warning(about: str, found: str, mend: str) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(about, Grade.WARNING, found, mend)


def fault(about: str, found: str, mend: str) -> Finding:
    """Return a finding that must be mended before anything is served."""
    return Finding(about, Grade.FAULT, found, mend)
