"""Lucky Monaco's history is read whole, however it counts pages, and no faster than it allows."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.stand import PARTNER, SECRET, TOKEN
from wallet_service.lucky_monaco import LuckyMonaco, LuckyMonacoError
from wallet_service.pace import Pace
from wallet_service.reconcile.history import History, NotWholeError

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
END = NOON + timedelta(minutes=10)


@pytest.fixture
def history(lucky):
    lucky.habits.largest_page = 3
    with LuckyMonaco(lucky.url, "v4.02", PARTNER, TOKEN, SECRET) as client:
        yield History(client, Pace(100_000))


def listing(history):
    return [item.round_id for page in history.rounds(NOON, END) for item in page]


def pages(lucky):
    asked = [fields["page"] for _, fields in lucky.calls]
    lucky.calls.clear()
    return asked


def add(lucky, *numbers):
    for number in numbers:
        lucky.has("u1", str(number), NOON, "Completed")


def test_pages_counted_from_one(lucky, history):
    add(lucky, *range(7))
    assert listing(history) == [str(number) for number in range(7)]
    assert pages(lucky) == [1, 2, 3]


def test_pages_counted_from_zero(lucky, history):
    lucky.habits.first_page = 0
    add(lucky, *range(7))
    assert sorted(listing(history)) == [str(number) for number in range(7)]
    assert pages(lucky) == [1, 2, 3, 0]
    assert listing(history) == [str(number) for number in range(7)]
    assert pages(lucky) == [0, 1, 2], "what was learnt is kept"


@pytest.mark.parametrize("first_page", [0, 1])
def test_a_period_without_rounds(lucky, history, first_page):
    lucky.habits.first_page = first_page
    assert listing(history) == []
    assert pages(lucky) == [1]


@pytest.mark.parametrize(("first_page", "page_zero"), [(0, ""), (1, ""), (1, "57")])
def test_a_period_without_rounds_may_be_refused_as_having_no_data(lucky, history, first_page, page_zero):
    lucky.habits.first_page, lucky.habits.page_zero, lucky.habits.nothing_is_17 = first_page, page_zero, True
    assert listing(history) == []
    assert pages(lucky) == [1, 0]


def test_the_number_of_rounds_may_grow_between_pages(lucky, history):
    add(lucky, *range(5))
    lucky.before = lambda _path, fields: add(lucky, *([5, 6] if fields["page"] == 2 else []))
    assert listing(history) == [str(number) for number in range(7)]
    assert pages(lucky) == [1, 2, 3]


def test_a_round_that_slides_to_the_next_page_is_listed_once(lucky, history):
    add(lucky, 1, 2, 3, 4)

    def newer(_path, fields):
        if fields["page"] == 2:
            lucky.rounds.insert(0, lucky.rounds.pop())  # 4 comes first now, and 3 is on the second page again

    lucky.before = newer
    with pytest.raises(NotWholeError, match=r"speaks of 4 rounds .* and lists 3"):
        listing(history)


@pytest.mark.parametrize(("first_page", "page_zero"), [(0, ""), (1, ""), (1, "57"), (1, "17")])
def test_a_listing_that_lacks_rounds_is_a_fault(lucky, history, first_page, page_zero):
    lucky.habits.first_page, lucky.habits.page_zero = first_page, page_zero
    add(lucky, *range(4))
    lucky.habits.told_too_many = 1
    with pytest.raises(NotWholeError, match=r"speaks of 5 rounds from 2025-01-01T12:00:00\+00:00 .* and lists 4"):
        listing(history)


def test_the_same_page_for_every_number_ends(lucky, history):
    add(lucky, 1, 2)
    lucky.habits.told_too_many = 5
    lucky.before = lambda _path, fields: fields.update(page=1)
    with pytest.raises(NotWholeError):
        listing(history)
    assert len(lucky.calls) == 3


def test_other_refusals_are_faults(lucky, history):
    lucky.habits.page_zero, lucky.habits.statuses = "54", {"1": "54", "2": "17"}
    lucky.habits.told_too_many = 1
    with pytest.raises(LuckyMonacoError, match="refused 54"):
        listing(history)
    with pytest.raises(LuckyMonacoError, match="refused 54"):
        history.status("1")
    assert history.status("2") is None
    calls = len(lucky.calls)
    assert history.status("\x1b") is None
    assert len(lucky.calls) == calls, "it is no identifier of theirs, and they are not asked"


class Clock:
    """Time that passes by itself as told, and by waiting."""

    def __init__(self):
        self.now = 1000.0
        self.waits = []

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now += seconds


def test_calls_keep_the_pace_whatever_they_take():
    clock = Clock()
    pace = Pace(2, clock, clock.wait)
    starts, ends = [], []
    for takes, idle in ((5, 0), (45, 1), (0, 100), (1, 0)):
        with pace:
            starts.append(clock.now)
            clock.now += takes
        ends.append(clock.now)
        clock.now += idle
    assert [start - end for start, end in zip(starts[1:], ends, strict=False)] == [30, 30, 100]
    assert clock.waits == [30, 29], "the first waits for nothing, and nobody waits longer than needed"


def test_a_call_that_failed_counts():
    clock = Clock()
    pace = Pace(60, clock, clock.wait)
    with pytest.raises(ZeroDivisionError), pace:
        _ = 1 / 0
    with pace:
        assert clock.waits == [1]
