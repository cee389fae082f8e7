"""The desk on a port of its own: the wallet's has no /admin, goes on when the desk ends, and ends with it."""

import json
import signal
import socket
import subprocess

import httpx
import psutil
import pytest

from tests.admin.conftest import SECRET_KEY
from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE, database_settings, free_port


@pytest.fixture
def apart(new_service):
    """A service whose desk has its own port, and that port."""
    port = free_port()
    settings = {"WALLET_ADMIN_SECRET_KEY": SECRET_KEY, "WALLET_ADMIN_PORT": str(port), "WALLET_LOG_LEVEL": "ERROR"}
    return new_service(**settings), port


def gone(port):
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/healthz")
    return True


def test_each_port_has_its_own_part(apart):
    service, port = apart
    assert service.http.get("/admin/login").status_code == 404
    assert service.http.get("/healthz").status_code == 200
    assert httpx.get(f"http://127.0.0.1:{port}/admin/login").status_code == 200
    assert httpx.post(f"http://127.0.0.1:{port}/v4/Balance", json={}).status_code == 404


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_a_signal_stops_both(apart, how):
    service, port = apart
    service.process.send_signal(how)
    assert service.process.wait(timeout=30) == 0
    assert gone(service.port)
    assert gone(port)


def desk_of(service, port):
    """Return the desk's process, which the wallet's server has started."""
    (desk,) = [
        process
        for process in psutil.Process(service.process.pid).children()
        if port in {connection.laddr.port for connection in listening(process)}
    ]
    return desk


def test_the_wallet_goes_on_while_the_desk_is_started_again(apart):
    service, port = apart
    for _ in range(2):
        family = [desk_of(service, port), *desk_of(service, port).children(recursive=True)]
        family[0].kill()
        said = json.loads(service.await_line('"process ended"'))
        assert (said["process"], said["code"], said["level"]) == ("desk", -9, "error")
        psutil.wait_procs(family, timeout=30)
        while True:
            assert service.http.get("/healthz").status_code == 200
            try:
                assert httpx.get(f"http://127.0.0.1:{port}/admin/login").status_code == 200
            except httpx.TransportError:
                continue
            break
    everything = psutil.Process(service.process.pid).children(recursive=True)
    service.process.terminate()
    assert service.process.wait(timeout=30) == 0
    _, alive = psutil.wait_procs(everything, timeout=30)
    assert alive == []
    assert gone(port)


def test_a_stop_while_the_desk_is_away_is_a_stop(apart):
    service, port = apart
    desk_of(service, port).kill()
    service.await_line('"process ended"')
    service.process.terminate()
    assert service.process.wait(timeout=30) == 0
    assert gone(service.port)
    assert gone(port)


def test_a_desk_whose_port_is_taken_fails_the_start(database_url):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = subprocess.run(
            [WALLET_SERVICE, "serve", "--port", str(free_port())],
            env={
                **ENVIRONMENT,
                **SECRETS,
                **database_settings(database_url),
                "WALLET_ADMIN_SECRET_KEY": SECRET_KEY,
                "WALLET_ADMIN_PORT": str(taken.getsockname()[1]),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert answer.returncode == 2
    assert "cannot listen on" in answer.stderr


def test_the_desk_ends_when_the_wallet_is_killed(apart):
    service, port = apart
    processes = psutil.Process(service.process.pid).children(recursive=True)
    service.process.kill()
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []
    assert gone(port)


def listening(process):
    """Return what a process and its own workers listen on."""
    family = [process, *process.children(recursive=True)]
    return [found for one in family for found in one.net_connections("tcp") if found.status == psutil.CONN_LISTEN]
