"""The fault runs in short: the wallet keeps its promises, and each build that is broken on purpose is found out."""

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import pytest

from tests.chaos.history import History, Options, faults_of, read_options
from tests.chaos.plan import KINDS, LANES

ROOT = Path(__file__).parent.parent.parent
RACES = ["--refunds=1000", "--quiet=10"]
"""Much load: what lacks a lock goes wrong without faults, too."""


@pytest.fixture
def chaos():
    # Not in pytest's own folder: another pytest that begins meanwhile shuts it against the database's system user.
    with TemporaryDirectory(prefix="test-chaos-") as folder:

        def run(*arguments):
            command = [sys.executable, "-m", "tests.chaos", *arguments]
            environment = {**os.environ, "TMPDIR": folder}
            return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

        yield run


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
    run = chaos("--seed", "1", "--seconds", "20")
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith("seed ")
    assert "Clean: " in run.stdout


@pytest.mark.parametrize(
    ("build", "arguments", "found"),
    [
        (["unique-key"], ["--refunds=1"], "the log takes a second refund of a round"),
        (["lock"], RACES, "(an answer that no wallet may give|audit ends with 1|the wallet logged a fault)"),
        (["unique-key", "lock"], RACES, "applied 2 times"),
        (["durability"], ["--faults=1", "--only=kill_postgres"], "acknowledged, and not in the log"),
    ],
    ids=["unique key", "lock", "unique key and lock", "durability"],
)
def test_a_build_that_is_broken_on_purpose_is_found_out(chaos, build, arguments, found):
    run = chaos(*(f"--broken={name}" for name in build), *arguments)
    assert run.returncode == 1, run.stdout + run.stderr
    assert re.search(f"^VIOLATION {found}", run.stdout, re.MULTILINE), run.stdout
