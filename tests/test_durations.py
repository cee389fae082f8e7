"""Durations as they are typed."""

from datetime import timedelta

import click
import pytest

from wallet_service.cli.durations import DurationType


@pytest.mark.parametrize(
    ("typed", "seconds"), [("1s", 1), ("90m", 5400), ("24h", 86400), ("007d", 7 * 86400), ("3660d", 3660 * 86400)]
)
def test_a_duration_is_a_number_and_a_unit(typed, seconds):
    assert DurationType().convert(typed, None, None) == timedelta(seconds=seconds)


def test_a_default_may_be_one_already():
    assert DurationType().convert(timedelta(hours=1), None, None) == timedelta(hours=1)


@pytest.mark.parametrize(
    "typed", ["", "24", "h", "0h", "-1h", "1.5h", "3661d", "999999999d", "9999999999s", "٣h", "1 h"]
)
def test_what_is_no_duration_or_beyond_the_bounds_is_named(typed):
    with pytest.raises(click.BadParameter, match="is not a duration such as 90m, 24h or 7d, of at most 3660d"):
        DurationType().convert(typed, None, None)
