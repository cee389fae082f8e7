"""The desk on a port of its own: the wallet's has no /admin, and the two live and die together."""

import signal

import httpx
import psutil
import pytest

from tests.admin.conftest import SECRET_KEY
from tests.conftest import free_port


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


def test_the_wallet_ends_when_the_desk_does(apart):
    service, port = apart
    (desk,) = [
        process
        for process in psutil.Process(service.process.pid).children()
        if port in {connection.laddr.port for connection in listening(process)}
    ]
    desk.kill()
    assert service.process.wait(timeout=30) == 2
    assert gone(service.port)


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
