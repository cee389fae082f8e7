"""A fault run of a minute: the wallet keeps its promises; and faults are planned and replayed by the seed."""

from itertools import islice
from time import monotonic

from tests.chaos.history import History, Options, faults_of, read_options
from tests.chaos.plan import KINDS, LANES


def first_faults(options):
    return [list(islice(faults_of(options, lane), 200)) for lane in LANES]


def test_a_seed_plans_the_same_faults_and_all_kinds_of_them():
    options = Options("a seed", 1, 0, 0, 1, 1, (), ())
    planned = first_faults(options)
    assert planned == first_faults(options)
    assert planned != first_faults(Options("another", 1, 0, 0, 1, 1, (), ()))
    assert {fault.kind for faults in planned for fault in faults} == KINDS.keys()


def test_a_history_is_replayed_with_its_faults_in_their_order(tmp_path):
    options = Options("a seed", 1, 0, 0, 1, 1, (), ())
    made = list(islice(faults_of(options, "ways"), 3))
    told = [made[2], made[0]]  # in the order of their ends; the second one is not in it, as nobody knows how it went
    history = History(tmp_path / "history", options)
    for fault in told:
        history.fault(fault, monotonic(), "", done=True)
    history.close()
    replayed = faults_of(read_options(tmp_path / "history"), "ways")
    assert [fault.number for fault in islice(replayed, 4)] == [1, 3, 4, 5]


def test_what_was_acknowledged_holds_under_faults(chaos):
    run = chaos("--seed", "1", "--seconds", "60")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith("seed ")
    assert "Clean: " in run.stdout
