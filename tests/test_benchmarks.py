"""The benchmark runs: what docs/performance.md says is measured can be measured again."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "wallet.py"
ATTEMPTS = 3


@pytest.mark.skipif(not shutil.which("wrk"), reason="the load comes from wrk, a package of Debian's")
def test_the_quick_benchmark_gives_the_main_ratios(tmp_path):
    command = [sys.executable, BENCHMARK, "--quick", "--json", "--data", tmp_path]
    # Full load on a machine that stands still for a second is answered 998 in part, which ends the benchmark.
    for _ in range(ATTEMPTS):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.stdout:
            break
    assert done.returncode in {0, 1}, done.stderr  # 1: a target was missed, which is no test's business
    told = json.loads(done.stdout)
    assert told["ratios"].keys() == {"refund_vs_pgbench", "refund_vs_usual", "mix_vs_pgbench", "replay_vs_refund"}
    assert [figure["not_served"] for figure in told["runs"][0]["figures"]] == [0] * 5
