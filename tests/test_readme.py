"""The README's first screen, executed as written: its shell blocks are typed, its text blocks are seen."""

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT, free_port

ROOT = Path(__file__).parent.parent
MAX_PORT = 65535
FIRST_SCREEN = (ROOT / "README.md").read_text().partition("\n## ")[0]


def session(text):
    """Return (what is typed, the lines that are seen) of each shell block and the next text block, if any."""
    blocks = re.findall(r"```sh\n(.*?)```(?:[^`]*```text\n(.*?)```)?", text, re.DOTALL)
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


@pytest.fixture
def new_demo(checkout):
    """Start demos, each from a command that ends with the wallet's port, until everything is printed."""
    demos: list[subprocess.Popen[str]] = []

    def start(*command):
        port = free_port_and_the_next()
        demo = subprocess.Popen(
            [*command[:-1], f"{command[-1]}{port}"],
            cwd=checkout,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        demos.append(demo)
        assert demo.stdout
        printed = []
        for line in demo.stdout:
            printed.append(line.rstrip("\n"))
            if line.endswith("wallet-service audit\n"):
                return demo, port, printed
        raise AssertionError("\n".join(printed))

    yield start
    for demo in demos:
        end(demo)


def free_port_and_the_next():
    while True:
        port = free_port()
        with socket.socket() as probe:
            if port < MAX_PORT and probe.connect_ex(("127.0.0.1", port + 1)):
                return port


def end(demo):
    """Press Ctrl-C, which reaches the whole foreground."""
    if not demo.stdout.closed:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGINT)
        demo.stdout.read()
        demo.stdout.close()
    return demo.wait(30)


def shell(checkout, script):
    return subprocess.run(
        ["bash", "-c", script], cwd=checkout, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
    )


def looks_like(line, expected):
    return re.fullmatch(".+".join(map(re.escape, expected.split("…"))), line)


def test_the_first_screen_is_a_session(checkout, new_demo):
    (command, shown), *steps = session(FIRST_SCREEN)
    assert command == "make run\n"
    demo, port, printed = new_demo("make", "run", "PORT=")
    for expected in shown:
        assert any(looks_like(line, expected) for line in printed), (expected, printed)
    balances = [line for line in printed if line.startswith("          demo has")]
    assert balances == [line for line in shown if line.startswith("          demo has")]

    marks = [f"<<<{number}>>>" for number in range(len(steps))]
    script = "\n".join(f"{command}\necho '{mark}'" for (command, _), mark in zip(steps, marks, strict=True))
    result = shell(checkout, script.replace("127.0.0.1:8080", f"127.0.0.1:{port}").replace(":8081", f":{port + 1}"))
    running = checkout / "var" / "postgres" / "postmaster.pid"
    assert running.exists()
    end(demo)
    assert not running.exists(), "PostgreSQL was stopped too"

    assert result.stderr == ""
    rest = result.stdout
    ids = set()
    for (command, expected), mark in zip(steps, marks, strict=True):
        output, _, rest = rest.partition(f"{mark}\n")
        lines = output.splitlines()
        assert len(lines) == len(expected), (command, lines)
        for line, seen in zip(expected, lines, strict=True):
            assert looks_like(seen, line), (line, seen)
        ids |= set(re.findall(r"(?:by |\"transactionId\": \")([0-9a-f-]{36})", output))
    assert len(ids) == 1, "the refund and its resend have one transaction"


def test_what_the_demo_prints_can_be_pasted(checkout, new_demo):
    _, _, printed = new_demo(".venv/bin/wallet-service", "demo", "--port=")
    commands = [line for line in printed if line.startswith((". var/", "curl ", ".venv/"))]
    result = shell(checkout, "\n".join(commands).replace("ROUND", "2").replace("rounds=100", "rounds=5"))
    assert result.stderr == ""
    for words in (
        '"state":"InProgress"',
        "Round 2 of demo is refunded by",
        '{"transactionId": "01',
        '"violations":0',
        "the game hangs",
        "nothing differs",
        "Clean",
    ):
        assert words in result.stdout, result.stdout


def test_the_demo_goes_on_where_it_was(checkout, new_demo):
    """A second run keeps the secrets and the rounds, on both sides, and plays the next round."""
    kept = None
    for number in (1, 2):
        demo, _, printed = new_demo(".venv/bin/wallet-service", "demo", "--port=")
        assert any(f"Round {number} is refunded by" in line for line in printed), printed
        secrets = re.findall("(?:TOKEN|SECRET|KEY|PASSWORD)=.*", (checkout / "var" / "demo.env").read_text())
        assert len(secrets) == 4
        assert kept in {None, *[tuple(secrets)]}
        kept = tuple(secrets)
        if number == 2:
            result = shell(checkout, ". var/demo.env; .venv/bin/wallet-service reconcile --from 1h")
            assert (result.returncode, "2 rounds of Lucky Monaco's and 2 of" in result.stdout) == (0, True), result
        assert end(demo) == 0
    assert (checkout / "var" / "demo.env").stat().st_mode & 0o077 == 0, "only their owner reads the secrets"
