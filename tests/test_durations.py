"""Durations and times as they are typed."""

from datetime import UTC, datetime, timedelta

import click
import pytest

from wallet_service.cli.durations import DurationType, TimeType


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


@pytest.mark.parametrize(
    "typed", ["2025-01-31T12:00:00+00:00", "2025-01-31T12:00:00.9", "2025-01-31 13:00+01:00", "2025-01-31T12:00:00Z"]
)
def test_a_time_is_in_utc_unless_it_says_and_in_whole_seconds(typed):
    assert TimeType().convert(typed, None, None) == datetime(2025, 1, 31, 12, tzinfo=UTC)


def test_a_duration_is_a_time_so_long_ago():
    before = datetime.now(UTC)
    time = TimeType().convert("90m", None, None)
    assert before - timedelta(minutes=90, seconds=1) < time <= datetime.now(UTC) - timedelta(minutes=90)
    assert TimeType().convert(time, None, None) == time, "a default may be one already"


@pytest.mark.parametrize(
    "typed", ["", "yesterday", "2025-13-01", "0001-01-01T00:00+14:00", "9999-12-31T23:00-14:00", "0h"]
)
def test_what_is_no_time_is_named(typed):
    with pytest.raises(click.BadParameter, match="is not a time such as 2025-01-31T12:00:00"):
        TimeType().convert(typed, None, None)
