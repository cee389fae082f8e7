"""Two and three calls of one player in every order of their statements end as they do one after the other.

Here in one scene; ``make schedules`` runs all of them.
"""

from itertools import combinations_with_replacement

import pytest

from tests.conftest import as_superuser
from tests.schedules.__main__ import PAIR, meetings, prepare, run
from tests.schedules.catalogue import CALLS, Entry, Group
from tests.schedules.exploring import explore
from tests.schedules.judging import Meeting
from tests.schedules.sessions import Stage
from wallet_service.ledger.statements import STATEMENTS


@pytest.fixture
def woven(new_database):
    """Make databases whose functions have stops, one function broken if so named."""

    def make(broken=None):
        url = as_superuser(new_database())  # who may set how soon deadlocks are looked for
        prepare(url, broken)
        return url

    return make


def test_every_schedule_of_a_refund_and_another_call_ends_as_some_order_of_them(woven):
    # All of them take minutes: make schedules.
    chosen = [meeting for meeting in meetings(["open"]) if "refund" in meeting.calls or len(meeting.calls) > PAIR]
    schedules = list(run(woven(), chosen))
    assert [f"{schedule}\n{schedule.story()}\n{schedule.fault}" for schedule in schedules if schedule.fault] == []
    assert {schedule.meeting for schedule in schedules} == set(chosen)


def test_every_call_of_the_ledger_meets_every_other_one():
    assert {type(call("p")) for call in CALLS.values()} == {*STATEMENTS, Group, Entry}
    assert {meeting.calls for meeting in meetings() if len(meeting.calls) == PAIR} == set(
        combinations_with_replacement(CALLS, PAIR)
    )


@pytest.mark.parametrize(
    ("broken", "calls"),
    [
        ("lock", ("bet", "another bet")),
        ("lock", ("refund", "refund")),
        ("second look", ("refund", "refund")),
        ("freeze", ("freeze", "bet", "check")),
        ("group", ("group", "group backwards")),
    ],
)
def test_a_broken_lock_is_found(woven, broken, calls):
    scene = "new" if "bet" in calls else "open"
    assert [s for s in run(woven(), [Meeting(scene, calls)]) if s.fault] == []
    assert [s for s in run(woven(broken), [Meeting(scene, calls)]) if s.fault]


@pytest.mark.parametrize(
    "calls", [("bet", "refund"), ("refund", "cancel"), ("queue_review", "refund"), ("freeze", "bet")]
)
def test_the_schedules_left_out_end_as_those_that_are_run(woven, calls):
    stage = Stage(woven(), len(calls))
    with_all, without = (
        {schedule.ending for schedule in explore(stage, Meeting("open", calls), every=every)} for every in (True, False)
    )
    stage.close()
    assert with_all == without
