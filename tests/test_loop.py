"""The whole loop, with every part a process of its own: wallet, sandbox, the operator's commands, reconciliation.

A thousand rounds are played with every misbehaviour on. Afterwards both sides agree about each of them.
"""

import json
import signal
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Thread

import httpx
import pytest

from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE, Service, as_owner, database_settings, free_port
from wallet_service.database import create_wallet_engine
from wallet_service.ledger.calls import OpenWallet
from wallet_service.ledger.ledger import Ledger
from wallet_service.schema import migrate

ROUNDS = 1000
MISBEHAVIOUR = ("lost-requests", "lost-answers", "duplicates", "delays", "reordering", "wrong-hash", "refund-first")


class Casino:
    """A wallet with a database of its own, a sandbox that plays against it, and the operator's commands."""

    def __init__(self, database_url, version):
        migrate(as_owner(database_url))
        engine = create_wallet_engine(database_url, connections=1)
        Ledger(engine).apply(OpenWallet("ann", "USD", Decimal(100_000)))
        engine.dispose()
        self.wallet = Service(database_url, WALLET_LOG_LEVEL="WARNING")
        self.port = free_port()
        self.environment = {
            **ENVIRONMENT,
            **SECRETS,
            **database_settings(database_url),
            "WALLET_LUCKY_MONACO_URL": f"http://127.0.0.1:{self.port}",
            "WALLET_LUCKY_MONACO_VERSION": version,
            "WALLET_HISTORY_CALLS_PER_MINUTE": "100000",
            "WALLET_HISTORY_PORTION_MINUTES": "1",
        }
        self.sandbox = subprocess.Popen(
            [
                *(WALLET_SERVICE, "sandbox", "--wallet", f"http://127.0.0.1:{self.wallet.port}"),
                *("--port", str(self.port), "--version", version, "--seed", "loop", "--pause", "0"),
            ],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.sandbox.stdout
        assert "listens" in self.sandbox.stdout.readline()
        # What it tells of each message is read by nobody here, and must not make it wait.
        self.drain = Thread(target=self.sandbox.stdout.read)
        self.drain.start()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/sandbox", timeout=600)

    def command(self, *arguments):
        done = subprocess.run(
            [WALLET_SERVICE, *arguments], env=self.environment, capture_output=True, text=True, timeout=600
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def stop(self):
        self.http.close()
        self.sandbox.send_signal(signal.SIGTERM)
        assert self.sandbox.wait(60) == 0
        self.drain.join()
        assert self.sandbox.stdout
        self.sandbox.stdout.close()
        self.wallet.stop()


@pytest.fixture(params=["v4", "v4.02"])
def casino(request, new_database):
    casino = Casino(new_database(), request.param)
    yield casino
    casino.stop()


def test_a_thousand_rounds_of_every_misbehaviour_leave_no_difference(casino):
    began = datetime.now(UTC) - timedelta(seconds=1)
    wrong = {name.replace("-", "_"): 0.15 for name in MISBEHAVIOUR} | {"longest_delay": 0.02}
    assert casino.http.put("/misbehaviour", json=wrong).json()["lost_answers"] == 0.15
    played = casino.http.post("/play", json={"userId": "ann", "currency": "USD", "rounds": str(ROUNDS)}).json()
    assert (played["violations"], sum(played["rounds"].values())) == (0, ROUNDS), played
    assert played["resends"] > 0
    assert played["rounds"].keys() >= {"Completed", "InProgress", "Cancelled"}

    # The rounds that were left open are cancelled, until Lucky Monaco was heard to take each of them.
    stale = ("cancel-stale", "--older-than", "1s", "--reason", "retention", "--yes", "--per-minute", "60000")
    while "No round is open" not in (done := casino.command(*stale)).stdout:
        assert done.returncode in {0, 2}, done.stdout + done.stderr
    states: Counter[str] = Counter()
    while states.keys() != {"refunded"}:
        states = Counter(row["state"] for row in json.loads(casino.command("cancellations", "--json").stdout))
        assert states.keys() <= {"refunded", "accepted", "unknown", "requested"}, states
    assert sum(states.values()) == played["rounds"]["InProgress"]

    reconciled = casino.command("reconcile", "--from", began.isoformat())
    assert (reconciled.returncode, reconciled.stderr) == (0, ""), reconciled.stdout
    audit = casino.command("audit")
    assert audit.returncode == 0, audit.stdout
