"""The proof that fault runs can fail: each build that is broken on purpose is found out."""

import re

import pytest

RACES = ["--refunds=1000", "--quiet=10"]
"""Much load: what lacks a lock goes wrong without faults, too."""


@pytest.mark.parametrize(
    ("build", "arguments", "found"),
    [
        (["unique-key"], ["--refunds=1"], "the log takes a second refund of a round"),
        (["lock"], RACES, "(an answer that no wallet may give|audit ends with 1|the wallet logged a fault)"),
        (["durability"], ["--faults=1", "--only=kill_postgres"], "acknowledged, and not in the log"),
    ],
    ids=["unique key", "lock", "durability"],
)
def test_a_build_that_is_broken_on_purpose_is_found_out(chaos, build, arguments, found):
    run = chaos(*(f"--broken={name}" for name in build), *arguments)
    assert run.returncode == 1, run.stdout + run.stderr
    assert re.search(f"^VIOLATION {found}", run.stdout, re.MULTILINE), run.stdout
