"""The ways in that Flask and Alembic users know: no settings at all, the embedded database, bare commands."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE, database_settings, free_port
from wallet_service.embedded import EmbeddedPostgres

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


@pytest.fixture
def environment(tmp_path):
    yield {**ENVIRONMENT, "WALLET_DATA_DIR": str(tmp_path / "var")}
    if (tmp_path / "var" / "postgres" / "postmaster.pid").exists():
        # Who was killed left it running; the next to come and go stops it.
        server = EmbeddedPostgres(tmp_path / "var")
        server.start()
        server.stop()


def test_flask_run(environment):
    port = str(free_port())
    with subprocess.Popen(
        [BIN / "flask", "--app", "wallet_service", "run", "--port", port],
        cwd=ROOT,
        env={**environment, **SECRETS},
        stderr=subprocess.PIPE,
        text=True,
    ) as flask:
        assert flask.stderr
        for line in flask.stderr:
            if "Running on" in line:
                break
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").json() == {"status": "ready"}
        flask.terminate()


def test_alembic_upgrade_head(environment, new_database):
    url = new_database()
    result = subprocess.run(
        [BIN / "alembic", "upgrade", "head"],
        cwd=ROOT,
        env={**environment, **database_settings(url)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    audit = subprocess.run(
        [WALLET_SERVICE, "audit"], env={**ENVIRONMENT, **database_settings(url)}, capture_output=True, text=True
    )
    assert "Clean" in audit.stdout


def test_commands_share_the_embedded_database_and_the_last_one_stops_it(environment, tmp_path):
    def start(*arguments):
        return subprocess.Popen([WALLET_SERVICE, *arguments], env=environment, stdout=subprocess.PIPE, text=True)

    first = subprocess.run(
        [WALLET_SERVICE, "wallet", "open", "p", "USD", "--balance", "5"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert first.stdout == "Opened a wallet for p with 5.00 USD.\n", first.stderr
    together = [start("wallet", "show", "p", "--json") for _ in range(4)]
    for process in together:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert '"balance": "5.00"' in output
    assert not (tmp_path / "var" / "postgres" / "postmaster.pid").exists()


def test_a_killed_service_does_not_keep_the_embedded_database_running(environment, tmp_path):
    port = str(free_port())
    with subprocess.Popen(
        [WALLET_SERVICE, "serve", "--port", port],
        env={**environment, **SECRETS},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as service:
        assert service.stderr
        for line in service.stderr:
            if "listens on" in line:
                break
        os.killpg(service.pid, 9)
    assert (tmp_path / "var" / "postgres" / "postmaster.pid").exists(), "nobody was left to stop it"
    subprocess.run([WALLET_SERVICE, "migrate"], env=environment, check=True, capture_output=True)
    assert not (tmp_path / "var" / "postgres" / "postmaster.pid").exists(), "the next command found itself alone"


def test_a_process_id_left_by_a_crash_harms_nobody(environment, tmp_path):
    """The id in a stale file may be anybody's by now."""
    run = {"env": environment, "capture_output": True, "text": True}
    subprocess.run([WALLET_SERVICE, "migrate"], check=True, **run)
    folder = tmp_path / "var" / "postgres"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        lines = [bystander.pid, folder, 1760000000, 5432, folder, "", "1 1", "ready"]
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (folder / name).write_text("".join(f"{line}\n" for line in lines))
        audit = subprocess.run([WALLET_SERVICE, "audit"], **run)
        assert "Clean" in audit.stdout, audit.stderr
        assert bystander.poll() is None
        bystander.kill()


def test_a_data_directory_that_cannot_be_one_is_one_line(environment, tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "my data", tmp_path / "file", Path("/dev/null/x")):
        result = subprocess.run(
            [WALLET_SERVICE, "audit"],
            env={**environment, "WALLET_DATA_DIR": str(folder)},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 2
        assert result.stderr.startswith("Error: WALLET_DATA_DIR")
        assert "Traceback" not in result.stderr


def test_workers_end_with_the_server_that_is_killed(environment):
    with subprocess.Popen(
        [WALLET_SERVICE, "serve", "--port", str(free_port()), "--workers", "2"],
        env={**environment, **SECRETS},
        stderr=subprocess.PIPE,
        text=True,
    ) as service:
        assert service.stderr
        for line in service.stderr:
            if "listens on" in line:
                break
        workers = [child for child in psutil.Process(service.pid).children(recursive=True) if "-c" in child.cmdline()]
        assert len(workers) >= 2
        service.kill()
        _, alive = psutil.wait_procs(workers, timeout=20)
    assert [worker for worker in alive if worker.status() != psutil.STATUS_ZOMBIE] == []
