"""The command, in a process of its own, against the real wallet in another."""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE, free_port
from tests.sandbox.conftest import VERSIONS, eventually
from wallet_service.lucky_monaco import Answer, LuckyMonaco

EVERYTHING = {
    "lost-requests": "0.05",
    "lost-answers": "0.1",
    "duplicates": "0.2",
    "delays": "0.02",
    "reordering": "0.3",
    "wrong-hash": "0.1",
    "refund-first": "0.3",
}


def command(*arguments, **settings):
    return subprocess.run(
        [WALLET_SERVICE, "sandbox", *arguments],
        env={**ENVIRONMENT, **SECRETS, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )


class Process:
    """A sandbox that serves until it is told to stop, and what it printed."""

    def __init__(self, path: Path, wallet_url: str, *arguments: str, **settings: str) -> None:
        self.path = path
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with path.open("w") as output:
            self.process = subprocess.Popen(
                [WALLET_SERVICE, "sandbox", "--wallet", wallet_url, "--port", str(self.port), *arguments],
                env={**ENVIRONMENT, **SECRETS, **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        eventually(lambda: "The sandbox listens on" in self.printed())

    def printed(self) -> str:
        return self.path.read_text()


@pytest.fixture
def new_process(tmp_path) -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def start(*arguments: str, **settings: str) -> Process:
        processes.append(Process(tmp_path / f"{len(processes)}.txt", *arguments, "--pause", "0.01", **settings))
        return processes[-1]

    yield start
    for process in processes:
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(30) == 0
        assert "Traceback" not in process.printed()
        assert not any(secret in process.printed() for name, secret in SECRETS.items() if name != "WALLET_PARTNER_ID")


def operator(port, version):
    partner, token, secret = SECRETS.values()
    return LuckyMonaco(f"http://127.0.0.1:{port}", version, partner, token, secret)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_loop(service, player, new_process, version):
    """A round is opened, cancelled by the operator, refunded to the wallet, and Cancelled."""
    sandbox = new_process(f"http://127.0.0.1:{service.port}", "--version", version)
    body = {"userId": player.user_id, "currency": "USD", "amount": "10"}
    round_id = httpx.post(f"{sandbox.url}/sandbox/rounds", data=body).json()["roundId"]
    assert player.balance() == 90
    with operator(sandbox.port, version) as lucky_monaco:
        assert lucky_monaco.cancel_round(player.user_id, round_id, "vs20lucky").answer is Answer.ACCEPTED
        eventually(lambda: lucky_monaco.round_status(round_id).state == "Cancelled")
    assert player.balance() == 100
    assert player.log() == [("bet", -10), ("refund", 10)]


def cancelled(lucky_monaco, the_round):
    """Cancel a round as an operator does whose answers may be lost, and wait until it is done."""

    def done():
        return lucky_monaco.cancel_round(the_round.user_id, the_round.round_id, the_round.game_id).answer

    eventually(lambda: done() is Answer.ACCEPTED)
    eventually(lambda: lucky_monaco.round_status(the_round.round_id).state == "Cancelled")


def is_void(row):
    return row.state == "refunded" or row.staked == row.cancelled


@pytest.mark.parametrize("version", VERSIONS)
def test_whatever_befalls_the_messages_both_sides_agree_in_the_end(service, new_player, new_process, version):
    player = new_player("60")  # not enough for every bet
    options = [part for name, value in EVERYTHING.items() for part in (f"--{name}", value)]
    sandbox = new_process(f"http://127.0.0.1:{service.port}", "--version", version, "--seed", "7", *options)
    body = {"userId": player.user_id, "currency": "USD", "rounds": 300}
    summary = httpx.post(f"{sandbox.url}/sandbox/play", json=body, timeout=120).json()
    assert summary["violations"] == 0, sandbox.printed()
    assert sum(summary["rounds"].values()) == 300
    assert summary["resends"] > 50

    start, end = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    with operator(sandbox.port, version) as lucky_monaco:
        opened = [item for item in lucky_monaco.game_rounds(start, end, page=1).rounds if item.state == "InProgress"]
        assert opened
        for the_round in opened:
            cancelled(lucky_monaco, the_round)
        listed = lucky_monaco.game_rounds(start, end, page=1).rounds
    assert "VIOLATION" not in sandbox.printed()

    # The Cancel of a bet whose answer was lost may still be on its way.
    gone = [the_round.round_id for the_round in listed if the_round.state == "Cancelled"]
    deadline = monotonic() + 30
    while any(row.round_id in gone and not is_void(row) for row in player.query("SELECT * FROM rounds")):
        assert monotonic() < deadline, "a round that is cancelled over there has money in play here"
    rows = {row.round_id: row for row in player.query("SELECT * FROM rounds")}
    assert {the_round.state for the_round in listed} <= {"Completed", "Cancelled", "CompleteInProcess"}
    for the_round in listed:
        row = rows.pop(the_round.round_id, None)
        if the_round.state == "Cancelled":
            assert row is None or is_void(row), the_round
        else:
            assert row is not None
            assert (row.staked - row.cancelled, row.won) == (the_round.staked, the_round.won), the_round
    assert rows == {}


def test_it_plays_prints_what_came_and_exits(service, player):
    arguments = ["--port", str(free_port()), "--player", player.user_id, "--play", "20", "--exit", "--seed", "s"]
    result = command("--wallet", f"http://127.0.0.1:{service.port}", *arguments)
    assert result.returncode == 0, result.stdout
    line = rf"\d\d:\d\d:\d\d  LM → wallet  Bet +round \d+ +{player.user_id}  \d\.\d\d USD +0 Success\n"
    assert len(re.findall(line, result.stdout)) >= 20
    last = result.stdout.splitlines()[-1]
    assert re.fullmatch(r"Played with seed s: .*\d+ Completed.*; \d+ messages, 0 of them resends; 0 violations", last)


def test_a_wallet_that_does_wrong_is_exit_1(wallet):
    wallet.deaf = True
    arguments = ["--port", str(free_port()), "--player", "u1", "--play", "1", "--exit", "--wrong-hash", "1"]
    result = command("--wallet", wallet.url, *arguments)
    assert result.returncode == 1, result.stdout
    assert "VIOLATION Bet in round" in result.stdout
    assert "a wrong hash was answered 0, not 54" in result.stdout


def test_a_wallet_that_is_not_there_is_said_and_waited_for(new_process):
    sandbox = new_process(f"http://127.0.0.1:{free_port()}", "--player", "u1", "--play", "1")
    eventually(lambda: bool(re.search("Bet .* no connection to the wallet\n", sandbox.printed())))
    eventually(lambda: bool(re.search("Cancel .* no connection to the wallet  [(]resend 1[)]\n", sandbox.printed())))
    [the_round] = httpx.get(f"{sandbox.url}/sandbox/rounds").json()["rounds"]
    assert the_round["state"] == "InProgress"


def test_calls_are_proved_by_the_keys_for_calls_to_lucky_monaco(service, new_process):
    settings = {"WALLET_LUCKY_MONACO_TOKEN": "their-token", "WALLET_LUCKY_MONACO_HASH_SECRET": "their-secret"}
    sandbox = new_process(f"http://127.0.0.1:{service.port}", **settings)
    with operator(sandbox.port, "v4.02") as lucky_monaco:
        assert lucky_monaco.cancel_round("u1", "1", None).code == "54"
    partner = SECRETS["WALLET_PARTNER_ID"]
    with LuckyMonaco(sandbox.url, "v4", partner, "their-token", "their-secret") as lucky_monaco:
        assert lucky_monaco.cancel_round("u1", "1", "vs20lucky").code == "G.17"


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (["--wallet", "http://127.0.0.1:1"], {"WALLET_PARTNER_TOKEN": ""}, "WALLET_PARTNER_TOKEN must be set"),
        (["--wallet", "127.0.0.1:1"], {}, "must be a URL such as"),
        (["--wallet", "http://127.0.0.1:99999"], {}, "must be a URL such as"),
        (["--wallet", "http://wallet.example.com"], {}, "must be https://"),
        (["--wallet", "http://127.0.0.1:1", "--delays", "2"], {}, "--delays"),
        (["--wallet", "http://127.0.0.1:1", "--play", "2"], {}, "--play needs a --player"),
        (["--wallet", "http://127.0.0.1:1", "--exit"], {}, "--exit needs --play"),
        (["--wallet", "http://127.0.0.1:1", "--state", "/nowhere/x"], {}, "/nowhere/x"),
        (["--wallet", "http://127.0.0.1:1", "--state", __file__], {}, "does not hold the rounds of a sandbox"),
    ],
)
def test_what_cannot_be_meant_is_one_line(arguments, settings, words):
    result = command(*arguments, **settings)
    assert result.returncode == 2
    assert words in result.stdout.splitlines()[-1]
    assert "Traceback" not in result.stdout


def test_a_port_that_is_taken_is_one_line(service):
    result = command("--wallet", f"http://127.0.0.1:{service.port}", "--port", str(service.port))
    assert result.returncode == 2
    assert result.stdout == f"Error: cannot listen on 127.0.0.1:{service.port}: Address already in use\n"
