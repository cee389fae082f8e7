"""The README's first screen, executed as written: its shell blocks are typed, its text blocks are seen."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT, free_port

ROOT = Path(__file__).parent.parent
FIRST_SCREEN = (ROOT / "README.md").read_text().partition("\n## ")[0]


def session(text):
    """Return (what is typed, the lines that are seen) of each shell block and the text block that follows it."""
    blocks = re.findall(r"```sh\n(.*?)```(?:\s*```text\n(.*?)```)?", text, re.DOTALL)
    return [(typed, seen.splitlines()) for typed, seen in blocks]


@pytest.fixture
def checkout(tmp_path):
    """The repository's files in a fresh folder, with this run's virtual environment."""
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in tracked:
        if (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    # The environment is this run's, and counts as made after everything it is made from: make must not make it again.
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(ROOT / ".venv" / "bin")
    (tmp_path / ".venv" / ".ready").touch()
    return tmp_path


def test_the_first_screen_is_a_session(checkout):
    first, *steps = session(FIRST_SCREEN)
    assert first == ("make run\n", [])
    port = str(free_port())
    with subprocess.Popen(
        ["make", "run", f"PORT={port}"],
        cwd=checkout,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as service:
        assert service.stdout
        printed = ""
        for line in service.stdout:
            printed += line
            if "wallet-service audit" in line:
                break
        assert "Listening" in printed, printed

        marks = [f"<<<{number}>>>" for number in range(len(steps))]
        script = "\n".join(f"{command}\necho '{mark}'" for (command, _), mark in zip(steps, marks, strict=True))
        result = subprocess.run(
            ["bash", "-c", script.replace("127.0.0.1:8080", f"127.0.0.1:{port}")],
            cwd=checkout,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        running = checkout / "var" / "postgres" / "postmaster.pid"
        assert running.exists()
        os.killpg(service.pid, signal.SIGINT)  # Ctrl-C reaches the whole foreground
        service.stdout.read()
        service.wait(30)

    assert result.stderr == ""
    rest = result.stdout
    ids = set()
    for (command, expected), mark in zip(steps, marks, strict=True):
        output, _, rest = rest.partition(f"{mark}\n")
        lines = output.splitlines()
        assert len(lines) == len(expected), (command, lines)
        for line, seen in zip(expected, lines, strict=True):
            assert re.fullmatch(".+".join(map(re.escape, line.split("…"))), seen), command
        ids |= set(re.findall(r'"transactionId": "([^"]+)"', output))
    assert len(ids) == 1, "both refunds have one transaction"
    assert not running.exists(), "PostgreSQL was stopped too"


def test_what_the_demo_prints_can_be_pasted(checkout):
    port = str(free_port())
    with subprocess.Popen(
        [".venv/bin/wallet-service", "demo", "--port", port],
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout
        commands = []
        for line in demo.stdout:
            if line.startswith(("curl ", ".venv/")):
                commands.append(line)
            if "audit" in line:
                break
        outputs = [
            subprocess.run(command, shell=True, cwd=checkout, capture_output=True, text=True, timeout=60).stdout
            for command in commands
        ]
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 0
    refund, balance, transactions, audit = outputs
    assert '"error": 0' in refund
    assert '"cash": "1000.00"' in balance
    assert "refund" in transactions
    assert "Clean" in audit


def test_the_demo_goes_on_where_it_was(checkout):
    """A second run keeps the secrets, and opens the next round once the first one is refunded."""
    kept = None
    for expected in ("round-1", "round-1", "round-2"):
        port = str(free_port())
        with subprocess.Popen(
            [".venv/bin/wallet-service", "demo", "--port", port], cwd=checkout, stdout=subprocess.PIPE, text=True
        ) as demo:
            assert demo.stdout
            printed = []
            for line in demo.stdout:
                printed.append(line)
                if "audit" in line:
                    break
            refund = next(line for line in printed if line.startswith("curl "))
            if kept is not None and expected == "round-1":
                subprocess.run(refund, shell=True, capture_output=True, check=True)
            demo.send_signal(signal.SIGTERM)
            demo.wait(30)
        assert f'"{expected}"' in refund
        secrets = (checkout / "var" / "demo.env").read_text()
        assert kept in {None, secrets}
        kept = secrets
    assert (checkout / "var" / "demo.env").stat().st_mode & 0o077 == 0, "only their owner reads the secrets"
