"""The fault runs in short: the wallet keeps its promises, and each build that is broken on purpose is found out."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.history import Options, faults_of
from tests.chaos.plan import KINDS, LANES

ROOT = Path(__file__).parent.parent.parent


def chaos(*arguments):
    command = [sys.executable, "-m", "tests.chaos", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def first_faults(options):
    return [[next(faults) for _ in range(200)] for faults in (faults_of(options, lane) for lane in LANES)]


def test_a_seed_plans_the_same_faults_and_all_kinds_of_them():
    options = Options("a seed", 1, 0, 0, 1, 1, (), ())
    planned = first_faults(options)
    assert planned == first_faults(options)
    assert planned != first_faults(Options("another", 1, 0, 0, 1, 1, (), ()))
    assert {fault.kind for faults in planned for fault in faults} == KINDS.keys()


def test_what_was_acknowledged_holds_under_faults(tmp_path):
    history = tmp_path / "history"
    run = chaos("--seconds", "20", "--history", str(history))
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith("seed ")
    assert "Clean: " in run.stdout

    known = [line for line in history.read_text().splitlines() if '"fault"' in line]
    assert known


@pytest.mark.parametrize(
    ("build", "found"),
    [
        (("unique-key",), "the log takes a second refund of a round"),
        (("lock",), "VIOLATION"),
        (("unique-key", "lock"), "applied 2 times"),
        (("durability",), "acknowledged, and not in the log"),
    ],
    ids=" and ".join,
)
def test_a_build_that_is_broken_on_purpose_is_found_out(build, found):
    only = ("--only", "kill_postgres") if "durability" in build else ()
    run = chaos("--seconds", "6", *(f"--broken={name}" for name in build), *only)
    assert run.returncode == 1, run.stdout + run.stderr
    assert found in run.stdout
