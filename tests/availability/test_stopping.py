"""SIGTERM under load: callers are let go, every call that is in is answered, and what was answered is in the log."""

import http.client
import json
import re
import signal
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition

import httpx
import psutil
import pytest

from tests.availability.pair import open_wallets, until
from tests.conftest import SECRETS, Service, as_superuser
from tests.test_backup import audited, call_of, log_of

CALLERS = 16
WITHIN_S = 30
"""As long as compose waits; nothing that a caller does, or does not do, may take longer."""
PATH = f"/v4/Bet?authToken={SECRETS['WALLET_PARTNER_TOKEN']}"


@pytest.fixture
def wallet(own_server, tmp_path):
    _, url = own_server
    open_wallets(url, [f"p{caller}" for caller in range(CALLERS)], "1000000")
    log = tmp_path / "log"
    with log.open("w") as file:
        service = Service(url, file, workers="2", WALLET_LOG_LEVEL="INFO")
    yield service, url, log
    service.stop()


@dataclass
class Seen:
    """What callers saw of their calls."""

    acknowledged: dict[tuple[str, str], str] = field(default_factory=dict)
    lost: list[tuple[tuple[str, str], bool]] = field(default_factory=list)
    """Calls without an answer, and whether their connection had had one before."""
    answers: Counter[tuple[int, bool]] = field(default_factory=Counter)
    """By error, and whether it was the last of its connection."""
    changed: Condition = field(default_factory=Condition)

    def bet_until_nobody_listens(self, port, caller):
        connection, is_kept = None, False
        for number in range(100_000):
            _, body = call_of("Bet", caller, number)
            key = (body["userId"], body["reference"])
            if connection is None:
                connection, is_kept = http.client.HTTPConnection("127.0.0.1", port, timeout=30), False
                try:
                    connection.connect()
                except OSError:
                    return
            try:
                connection.request("POST", PATH, json.dumps(body), {"Content-Type": "application/json"})
                response = connection.getresponse()
                answer = json.loads(response.read())
            except (OSError, http.client.HTTPException):
                self.lost.append((key, is_kept))
                connection.close()
                connection = None
                continue
            is_kept = not response.will_close
            with self.changed:
                self.answers[answer["error"], response.will_close] += 1
                self.acknowledged[key] = answer["transactionId"]
                self.changed.notify_all()
            if response.will_close:
                connection = None


def ready_until_nobody_listens(port):
    """Ask as a load balancer does, by a new connection each time; return the different answers."""
    answers: list[str] = []
    while True:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/readyz").text
        except httpx.TransportError:
            return answers
        if answer not in answers:
            answers.append(answer)


def test_no_call_is_lost_when_the_wallet_is_stopped(wallet):
    service, url, log = wallet
    seen = Seen()
    with ThreadPoolExecutor(CALLERS + 1) as pool:
        callers = [pool.submit(seen.bet_until_nobody_listens, service.port, caller) for caller in range(CALLERS)]
        with seen.changed:
            assert seen.changed.wait_for(lambda: len(seen.acknowledged) >= 100, 60)
        balancer = pool.submit(ready_until_nobody_listens, service.port)
        service.process.send_signal(signal.SIGTERM)
        for caller in callers:
            caller.result()
        assert service.process.wait(60) == 0
        [*_, last_told] = balancer.result()

    assert json.loads(last_told) == {"status": "unavailable", "reason": "it is being stopped"}
    assert log.read_text().count('"event": "leaving"') == 2, "each worker lets its callers go"
    assert seen.answers.keys() == {(0, False), (0, True)}
    assert [key for key, is_kept in seen.lost if is_kept] == [], "no kept connection is closed under a call"
    books = log_of(as_superuser(url))
    assert {key: books.get(key) for key in seen.acknowledged} == seen.acknowledged
    assert books.keys() == seen.acknowledged.keys(), "what came too late to be accepted had no effect"
    assert audited(url).returncode == 0


def test_a_call_that_does_not_come_whole_keeps_no_wallet_from_stopping(wallet):
    service, url, _ = wallet
    with socket.create_connection(("127.0.0.1", service.port)) as sender:
        sender.sendall(f"POST {PATH} HTTP/1.1\r\nHost: wallet\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert httpx.get(f"http://127.0.0.1:{service.port}/readyz").status_code == 200
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(WITHIN_S)
    assert audited(url).returncode == 0


def test_a_terminals_ctrl_c_is_for_the_server_which_then_ends_its_workers(wallet):
    service, _, _ = wallet
    until(lambda: len(workers_of(service)) == 2)
    workers = workers_of(service)
    for worker in workers:
        worker.send_signal(signal.SIGINT)
        waiting = re.findall(r"^ShdPnd:\s*(\w+)", Path(f"/proc/{worker.pid}/status").read_text(), re.MULTILINE)
        assert int(waiting[0], 16) & 1 << signal.SIGINT - 1, "no thread of theirs takes it"
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(WITHIN_S) == 0
    assert psutil.wait_procs(workers, WITHIN_S)[1] == []


def workers_of(service):
    """Return the wallet's workers that listen."""
    return [
        process
        for process in psutil.Process(service.process.pid).children()
        if service.port in {found.laddr.port for found in process.net_connections("tcp")}
    ]
