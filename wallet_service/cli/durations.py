"""Durations and times as they are typed: ``90m``, ``24h``, ``7d``, ``2025-01-31T12:00:00+00:00``."""

import re
from datetime import UTC, datetime, timedelta

import click

__all__ = ["DurationType", "TimeType"]

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=3660)


def _duration(text: str) -> timedelta | None:
    typed = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    duration = timedelta(**{UNITS[typed[2]]: int(typed[1])}) if typed else timedelta()
    return duration if timedelta() < duration <= LONGEST else None


class DurationType(click.ParamType[timedelta]):
    """A whole number and its unit (``s``, ``m``, ``h`` or ``d``), read as a positive timedelta of 3660 days at most."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read a duration. A default may already be one.

        Raises:
            click.BadParameter: it is none, or not within the bounds.

        """
        duration = value if isinstance(value, timedelta) else _duration(value)
        if duration is None:
            self.fail(f"{value!r} is not a duration such as 90m, 24h or 7d, of at most {LONGEST.days}d", param, ctx)
        return duration


class TimeType(click.ParamType[datetime]):
    """A time in ISO 8601, in UTC unless it names a zone, or a duration, which means so long ago. In whole seconds."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read a time, and return it in UTC.

        Raises:
            click.BadParameter: it is none.

        """
        ago = _duration(value) if isinstance(value, str) else None
        try:
            if ago:
                time = datetime.now(UTC) - ago
            else:
                time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time such as 2025-01-31T12:00:00+00:00, or 24h for so long ago", param, ctx)
        return time.replace(microsecond=0)
