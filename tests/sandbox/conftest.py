"""A wallet that answers as a test says, and sandboxes in this process in front of it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from tests.conftest import signed
from wallet_service.lucky_monaco import LuckyMonaco
from wallet_service.sandbox import Keys, Message, Sandbox, Wallet
from wallet_service.settings import ContractVersion

VERSIONS = get_args(ContractVersion)
KEYS = Keys("the-partner", "wallet-token", "wallet-secret")
INBOUND = Keys("the-partner", "their-token", "their-secret")
LOST = None
"""What a scripted wallet does instead of an answer: it takes the message and hangs up."""


class ScriptedWallet(ThreadingHTTPServer):
    """A wallet over real HTTP. ``decide(call, body, n)`` returns the code that the n-th such message gets, or LOST."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), WalletHandler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.decide: Callable[[str, dict[str, Any], int], str | None] = lambda _call, _body, _n: "0"
        self.transaction: Callable[[str, dict[str, Any], int], str] = lambda call, body, _n: (
            f"{call} {body.get('reference')}"
        )
        self.deaf = False
        """It does not look at hashes."""
        self.got: list[tuple[str, dict[str, Any], str]] = []
        self.seen: Counter[tuple[str, str]] = Counter()
        self.lock = Lock()
        Thread(target=self.serve_forever, args=(0.02,)).start()

    def calls(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the bodies of what arrived, or of one call's."""
        with self.lock:
            return [body for call, body, _ in self.got if name in {None, call}]

    def order(self) -> list[str]:
        with self.lock:
            return [call for call, _, _ in self.got]

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class WalletHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ScriptedWallet

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wallet, call = self.server, urlsplit(self.path).path.rpartition("/")[2]
        with wallet.lock:
            wallet.got.append((call, body, self.path))
            wallet.seen[call, body["roundId"]] += 1
            code = wallet.decide(call, body, wallet.seen[call, body["roundId"]])
            transaction = wallet.transaction(call, body, wallet.seen[call, body["roundId"]])
        signed_fields = {name: value for name, value in body.items() if name != "hash"}
        if not wallet.deaf and "hash" in body and body["hash"] != signed(signed_fields, KEYS.hash_secret):
            code = "54"
        if code is LOST:
            self.close_connection = True
            return
        v4 = self.path.startswith("/V4/")
        answer: dict[str, Any] = {"error": int(code), "description": "Success"}
        if code == "0":
            answer["transactionId"] = transaction
        elif v4:
            answer = {"error": {"code": f"G.{code:0>2}", "message": "NO"}}
        text = json.dumps(answer).encode()
        self.send_response(200 if code == "0" or not v4 else 409)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def wallet() -> Iterator[ScriptedWallet]:
    wallet = ScriptedWallet()
    yield wallet
    wallet.stop()


class Running:
    """A sandbox in this process, the operator's client for it, and what was told of its messages."""

    def __init__(self, url: str, version: ContractVersion, **options: Any) -> None:
        self.messages: list[Message] = []
        options = {"pause": 0, "seed": "1", "first_round": 1000, "on_message": self.messages.append, **options}
        self.sandbox = Sandbox(Wallet(url, version, KEYS), INBOUND, **options)
        self.url = self.sandbox.start()
        self.operator = LuckyMonaco(self.url, version, INBOUND.partner_id, INBOUND.token, INBOUND.hash_secret)

    def open_round(self, user_id: str = "u1", amount: str = "2.50", **options: Any) -> str:
        the_round, _ = self.sandbox.open_round(user_id, "USD", Decimal(amount), **options)
        return the_round.round_id

    def state(self, round_id: str) -> str:
        return self.operator.round_status(round_id).state

    def await_state(self, round_id: str, state: str) -> None:
        """Ask until the round is in that state."""
        eventually(lambda: self.state(round_id) == state)

    def stop(self) -> None:
        self.operator.close()
        self.sandbox.stop()


def eventually(happens: Callable[[], bool]) -> None:
    """Look until it has happened."""
    deadline = monotonic() + 30
    while not happens():
        assert monotonic() < deadline, "it did not happen"
        sleep(0.01)


@pytest.fixture
def new_sandbox(wallet: ScriptedWallet) -> Iterator[Callable[..., Running]]:
    """Start sandboxes in this process, against the scripted wallet unless another URL is given."""
    running: list[Running] = []

    def start(version: ContractVersion = "v4.02", url: str = wallet.url, **options: Any) -> Running:
        running.append(Running(url, version, **options))
        return running[-1]

    yield start
    for sandbox in running:
        sandbox.stop()
