"""What Prometheus is told: every call is counted, whoever took it, however it ended; and what is in the books."""

import os
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import httpx
import pytest
from flask import Flask
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import QueuePool, create_engine, make_url
from sqlalchemy.exc import OperationalError

from tests.admin.conftest import SECRET_KEY
from tests.conftest import SECRETS, Player, Service, as_owner, as_reader, free_port
from wallet_service import stored_metrics
from wallet_service.database import create_desk_engine, create_wallet_engine
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.reconciliations import record_reconciliation
from wallet_service.metrics import FOLDER, Metrics, metrics_blueprint
from wallet_service.schema import migrate
from wallet_service.stored_metrics import StoredMetrics

REQUEST = {"providerId": "LM", "sessionId": "s", "currency": "USD", "uuid": "u", "gameId": "g", "gameName": "G"}
DETAILS = {"roundDetails": "spin", "timeStamp": "1760000000000"}
PAGE = Path(__file__).parent.parent / "docs" / "operations.md"
ENDINGS = {"counter": "_total", "info": "_info"}
"""What Prometheus calls a metric by, behind the name that the library knows it by."""


class Watched:
    """A service with a port for its desk, and thus for its metrics."""

    def __init__(self, database_url, **settings):
        self.port = free_port()
        self.service = Service(
            database_url, WALLET_ADMIN_SECRET_KEY=SECRET_KEY, WALLET_ADMIN_PORT=str(self.port), **settings
        )

    def read(self):
        """Return every sample by its name and labels."""
        answer = httpx.get(f"http://127.0.0.1:{self.port}/metrics")
        assert answer.status_code == 200
        families = text_string_to_metric_families(answer.text)
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def bet(self, player, number, amount="1.00"):
        fields = {**REQUEST, "userId": player, "roundId": f"r{number}", "reference": f"b{number}", "amount": amount}
        return self.service.v4_02("Bet", fields | DETAILS)


@pytest.fixture
def books(new_database):
    """An empty wallet of its own, and the ledger over it."""
    url = new_database()
    migrate(as_owner(url))
    engine = create_wallet_engine(url, connections=1)
    yield url, Ledger(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def wallet(database_url):
    watched = Watched(database_url, workers="2")
    yield watched
    watched.service.stop()


def test_the_calls_of_all_workers_are_counted(wallet, new_player):
    player = new_player("30")
    before = wallet.read()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: wallet.bet(player.user_id, number).json()["error"], range(40)))
    assert sorted(answers) == [0] * 30 + [15] * 10
    after = wallet.read()
    counted = ("call", "Bet"), ("version", "v4.02")

    def came(name, *labels):
        return after[name, *labels] - before.get((name, *labels), 0)

    assert came("wallet_calls_total", counted[0], ("outcome", "applied"), counted[1]) == 30
    assert came("wallet_calls_total", counted[0], ("outcome", "insufficient_balance"), counted[1]) == 10
    assert came("wallet_call_seconds_count", *counted) == 40
    assert came("wallet_statement_calls_sum") >= 40, "a call that another one's group left is in two"
    assert came("wallet_database_seconds_count") == came("wallet_statement_calls_count")


def test_who_is_not_looked_at_is_counted_apart(wallet):
    def refused():
        now = wallet.read()
        looked_at = ("wallet_calls_total", ("call", "Bet"), ("outcome", "credentials_wrong"), ("version", "v4.02"))
        return now.get(looked_at, 0) + now.get(("wallet_calls_turned_away_total", ("reason", "unknown_sender")), 0)

    before = refused()
    for _ in range(3):
        wallet.service.post("/v4/Bet?authToken=wrong", REQUEST)
    assert refused() == before + 3


def test_no_name_secret_or_reference_of_anybody_is_told(wallet, new_player):
    player = new_player("30")
    wallet.bet(player.user_id, "private")
    wallet.service.post("/v4/whatever-somebody-asks-for", REQUEST)
    told = httpx.get(f"http://127.0.0.1:{wallet.port}/metrics").text
    assert "wallet_calls_total" in told
    for private in (player.user_id, "whatever-somebody", "private", *SECRETS.values()):
        assert private not in told


def test_the_wallet_s_own_port_tells_nothing(wallet):
    assert wallet.service.http.get("/metrics").status_code == 404


def test_what_a_process_counted_stays_and_what_it_held_goes_with_it(tmp_path):
    counting = """
from sqlalchemy import QueuePool, create_engine
from wallet_service.metrics import Metrics
metrics = Metrics()
engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=3)
metrics.watch(engine, "one by one")
connection = engine.connect()
metrics.call("v4", "Refund", "applied", 0.25)
print("counted", flush=True)
input()
"""
    app = Flask(__name__)
    app.register_blueprint(metrics_blueprint(tmp_path, CollectorRegistry()))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", counting],
            env={**os.environ, FOLDER: str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "counted\n"
    for living in (2, 1, 0):
        told = app.test_client().get("/metrics").text
        assert 'wallet_calls_total{call="Refund",outcome="applied",version="v4"} 2.0' in told
        assert 'wallet_call_seconds_sum{call="Refund",version="v4"} 0.5' in told
        held = {
            sample.value
            for family in text_string_to_metric_families(told)
            for sample in family.samples
            if sample.name == "wallet_database_connections_in_use"
        }
        assert held == ({float(living)} if living else set())
        if living:
            processes[living - 1].kill()
            processes[living - 1].communicate()


def test_connections_that_could_not_be_made_again_are_not_in_use():
    away = Event()

    def connect():
        if away.is_set():
            raise sqlite3.OperationalError("away")
        return sqlite3.connect(":memory:")

    metrics = Metrics()
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=2)
    metrics.watch(engine, "one by one")

    def in_use():
        return metrics.registry.get_sample_value("wallet_database_connections_in_use", {"pool": "one by one"})

    with engine.connect() as connection:
        assert in_use() == 1
        connection.invalidate()
        assert in_use() == 0, "it is given up"
    away.set()
    for _ in range(3):
        with pytest.raises(OperationalError):
            engine.connect()
    assert in_use() == 0
    away.clear()
    with engine.connect():
        assert in_use() == 1
    assert in_use() == 0
    engine.dispose()


def numbers(stored):
    return {
        (sample.name, *sample.labels.values()): sample.value for family in stored.collect() for sample in family.samples
    }


@pytest.fixture
def reads(books):
    engine = create_desk_engine(as_reader(books[0]), 1, read_only=True)
    yield engine
    engine.dispose()


def test_refunds_are_added_up_once_they_are_settled(books, reads, monkeypatch):
    _, ledger = books
    monkeypatch.setattr(stored_metrics, "SETTLED_AFTER", timedelta(0))
    stored = StoredMetrics(reads, reads)
    before = numbers(stored)
    assert before["wallet_database_up",] == 1
    assert not [name for name in before if name[0] == "wallet_refunds_total"]
    for currency, amount in (("USD", "10"), ("USD", "2.50"), ("EUR", "7")):
        player = Player(f"{currency}{amount}", ledger, reads)
        player.open(currency, "100")
        player.bet(amount, currency=currency)
        player.refund(currency=currency)
        player.refund(currency=currency)
    for _ in range(2):
        after = numbers(stored)
        assert after["wallet_refunds_total", "USD"] == 2
        assert after["wallet_refunded_amount_total", "USD"] == 12.5
        assert after["wallet_refunded_amount_total", "EUR"] == 7


def test_what_waits_and_how_far_was_compared(books, reads):
    url, ledger = books
    stored = StoredMetrics(reads, reads)
    before = numbers(stored)
    assert before["wallet_waiting", "reviews"] == before["wallet_oldest_review_seconds",] == 0
    assert ("wallet_reconciliation_lag_seconds",) not in before
    player = Player("ann", ledger, reads)
    player.open("USD", "100")
    player.bet("1")
    player.result("2")
    player.refund()
    now = datetime.now(UTC)
    engine = create_wallet_engine(url, connections=1)
    with engine.connect() as connection:
        for hours in (2, 1, 3):
            end = now - timedelta(hours=hours)
            start = end - timedelta(hours=1)
            record_reconciliation(connection, start, end, rounds_here=1, rounds_there=1, differences=0)
    engine.dispose()
    after = numbers(stored)
    assert after["wallet_waiting", "reviews"] == 1
    assert after["wallet_oldest_review_seconds",] > 0
    assert 3600 <= after["wallet_reconciliation_lag_seconds",] < 7200


@pytest.mark.parametrize("is_up", [True, False])
def test_whether_calls_reach_the_database_is_told_wherever_reports_are_read(books, reads, is_up):
    url = books[0] if is_up else make_url(books[0]).set(database="nowhere").render_as_string(hide_password=False)
    calls = create_wallet_engine(url, connections=1)
    told = numbers(StoredMetrics(reads, calls))
    calls.dispose()
    assert told["wallet_database_up",] == is_up
    assert ("wallet_waiting", "reviews") in told


def test_without_the_database_what_is_known_is_told(new_database):
    url = make_url(as_reader(new_database())).set(database="nowhere").render_as_string(hide_password=False)
    engine = create_desk_engine(url, 1, read_only=True)
    told = numbers(StoredMetrics(engine, engine))
    engine.dispose()
    assert told["wallet_database_up",] == 0
    assert ("wallet_waiting", "reviews") not in told


def test_the_operator_s_page_names_every_metric_with_its_labels(books, reads, monkeypatch):
    monkeypatch.setattr(stored_metrics, "SETTLED_AFTER", timedelta(0))
    url, ledger = books
    metrics, stored = Metrics(), StoredMetrics(reads, reads)
    stored.collect()
    player = Player("ann", ledger, reads)
    player.open("USD", "100")
    player.bet("1")
    player.refund()
    metrics.call("v4", "Refund", "applied", 0.1)
    metrics.turned_away("busy")
    metrics.statement(1, 0.1)
    engine = create_wallet_engine(url, connections=1)
    metrics.watch(engine, "one by one")
    now = datetime.now(UTC)
    with engine.connect() as connection:
        record_reconciliation(connection, now - timedelta(hours=1), now, rounds_here=1, rounds_there=1, differences=0)
    engine.dispose()
    told = {
        (
            family.name + ENDINGS.get(family.type, ""),
            family.type,
            frozenset(label for sample in family.samples for label in sample.labels if label != "le"),
        )
        for family in (*metrics.registry.collect(), *stored.collect())
    }
    section = PAGE.read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(wallet_\w+)` \| (\w+) \| ([^|]*?) ?\|", section, re.MULTILINE)
    assert {(name, kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows} == told
