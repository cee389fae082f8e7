"""Fault runs as a command of its own, with what it leaves behind in a folder of the test's."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def chaos():
    # Not in pytest's own folder: another pytest that begins meanwhile shuts it against the database's system user.
    with TemporaryDirectory(prefix="test-chaos-") as folder:

        def run(*arguments):
            command = [sys.executable, "-m", "tests.chaos", *arguments]
            environment = {**os.environ, "TMPDIR": folder}
            return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

        yield run
