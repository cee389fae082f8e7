"""Durations as they are typed: ``90m``, ``24h``, ``7d``."""

import re
from datetime import timedelta

import click

__all__ = ["DurationType"]

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=3660)


class DurationType(click.ParamType[timedelta]):
    """A whole number and its unit (``s``, ``m``, ``h`` or ``d``), read as a positive timedelta of 3660 days at most."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read a duration. A default may already be one.

        Raises:
            click.BadParameter: it is none, or not within the bounds.

        """
        if isinstance(value, timedelta):
            return value
        typed = re.fullmatch(r"([0-9]{1,9})([smhd])", value)
        duration = timedelta(**{UNITS[typed[2]]: int(typed[1])}) if typed else timedelta()
        if not timedelta() < duration <= LONGEST:
            self.fail(f"{value!r} is not a duration such as 90m, 24h or 7d, of at most {LONGEST.days}d", param, ctx)
        return duration
