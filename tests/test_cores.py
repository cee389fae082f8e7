"""Each worker keeps to a core of its own where there are as many workers as cores, and nobody does elsewhere."""

import os
import subprocess
import sys
from contextlib import ExitStack, suppress
from time import monotonic, sleep

import psutil
import pytest

from tests.conftest import Service

if not hasattr(os, "sched_getaffinity"):
    pytest.skip("only Linux lets a process choose its cores", allow_module_level=True)

CORES = sorted(os.sched_getaffinity(0))
TAKES_ONE = """
import os, sys
from pathlib import Path
from wallet_service.cores import take_core
print(take_core(Path(sys.argv[1]), int(sys.argv[2])), sorted(os.sched_getaffinity(0)), flush=True)
sys.stdin.read()
"""


class Workers:
    """Processes that take a core as workers do, each until it is ended."""

    def __init__(self, folder, number):
        self.places = folder / "places"
        self._number = number
        self._stack = ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def start(self):
        """Start one; return it, and what it says of the core that it took and of those that it may use."""
        command = [sys.executable, "-c", TAKES_ONE, self.places, str(self._number)]
        process = self._stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        self._stack.callback(process.kill)
        assert process.stdout
        return process, process.stdout.readline().strip()


@pytest.mark.parametrize("each", [1, 2], ids=["one worker a core", "two workers a core"])
def test_the_cores_are_shared_out_evenly(tmp_path, each):
    with Workers(tmp_path, each * len(CORES)) as workers:
        told = sorted(workers.start()[1] for _ in range(each * len(CORES)))
    assert told == sorted(f"{core} [{core}]" for core in CORES * each)


def test_who_is_started_for_one_that_ended_takes_its_core(tmp_path):
    with Workers(tmp_path, len(CORES)) as workers:
        first, told = workers.start()
        others = {workers.start()[1] for _ in CORES[1:]}
        first.kill()
        first.wait()
        assert told not in others
        assert workers.start()[1] == told


def test_cores_that_would_be_left_over_are_linux_s(tmp_path):
    with Workers(tmp_path, len(CORES) + 1) as workers:
        assert workers.start()[1] == f"None {CORES}" if len(CORES) > 1 else f"{CORES[0]} {CORES}"


def test_a_worker_goes_on_where_its_core_cannot_be_had(tmp_path):
    with Workers(tmp_path, len(CORES)) as workers:
        workers.places.mkdir()  # cannot be opened for writing
        process, line = workers.start()
        while not line.startswith("None"):  # the warning may come first
            line = process.stdout.readline().strip()
        assert line == f"None {CORES}"


def cores_of(worker):
    """Return the cores that the worker's threads may use."""
    cores = set()
    for thread in worker.threads():
        with suppress(ProcessLookupError):  # it ended meanwhile
            cores |= os.sched_getaffinity(thread.id)
    return cores


@pytest.mark.skipif(len(CORES) > 8, reason="a worker for each core would take long to start")
def test_the_threads_of_a_served_wallet_keep_to_its_worker_s_core(database_url):
    service = Service(database_url, workers=str(len(CORES)))
    try:
        give_up_at = monotonic() + 30
        while True:  # the service listens when its first worker does
            children = psutil.Process(service.process.pid).children()
            workers = [one for one in children if "spawn_main" in " ".join(one.cmdline()) and one.num_threads() > 4]
            if len(workers) == len(CORES) or monotonic() > give_up_at:
                break
            sleep(0.05)
        told = sorted(tuple(cores_of(worker)) for worker in workers)
    finally:
        service.stop()
    assert told == [(core,) for core in CORES]
