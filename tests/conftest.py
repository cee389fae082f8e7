"""A real PostgreSQL, migrated once a run, and a real server in front of it. Tests keep apart by fresh players.

Everything runs under least power: a database's URL is that of the service's role, and the desk reads as the reader.
What a test does behind the ledger's back, it does as the owner.
"""

import hashlib
import json
import logging
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Literal

import httpx
import hypothesis
import pytest
import structlog
from sqlalchemy import Engine, create_engine, make_url, text

from tests.stand import PARTNER, SECRET, TOKEN, Stand, reveals
from wallet_service.database import create_read_engine, create_wallet_engine
from wallet_service.embedded import EmbeddedPostgres
from wallet_service.embedded_roles import OWNER_LOGIN, READER_LOGIN, SERVICE_LOGIN, url_as
from wallet_service.ledger.audit import audit
from wallet_service.ledger.calls import (
    Adjust,
    AdjustmentKind,
    AnswerCancellation,
    Bet,
    Cancel,
    Check,
    DecideReview,
    EndRound,
    OpenWallet,
    QueueReview,
    Refund,
    RequestCancellation,
    Result,
    SetPlayerState,
    Transfer,
    TransferKind,
    Win,
    WinKind,
)
from wallet_service.ledger.cancellation_reads import CancellationRow, cancellation_of
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.ledger.reads import wallets_of
from wallet_service.lucky_monaco import LuckyMonaco
from wallet_service.schema import migrate

WALLET_SERVICE = str(Path(sys.executable).with_name("wallet-service"))
# Machines differ in speed; a slow example is no finding.
hypothesis.settings.register_profile("wallet", deadline=None, print_blob=True)
# For a longer search by hand: pytest --hypothesis-profile=thorough tests/openapi
hypothesis.settings.register_profile("thorough", deadline=None, print_blob=True, max_examples=4000)
hypothesis.settings.load_profile("wallet")
# structlog's own way to show an exception takes longer than a call may.
structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("WALLET_")}
SECRETS = {
    "WALLET_PARTNER_ID": "test-operator",
    "WALLET_PARTNER_TOKEN": "test-token",
    "WALLET_HASH_SECRET": "test-secret",
}


def as_owner(url: str) -> str:
    return url_as(OWNER_LOGIN, url)


def as_reader(url: str) -> str:
    return url_as(READER_LOGIN, url)


def as_superuser(url: str) -> str:
    return url_as("postgres", url)


def database_settings(url: str) -> dict[str, str]:
    """Return the environment's part about a database, whose service has this URL."""
    return {
        "WALLET_DATABASE_URL": url,
        "WALLET_OWNER_DATABASE_URL": as_owner(url),
        "WALLET_READER_DATABASE_URL": as_reader(url),
    }


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[tuple[EmbeddedPostgres, str]]:
    """A migrated server that no other test uses, so that it may be stopped, and its service's URL."""
    server = EmbeddedPostgres(tmp_path / "data")
    url = server.start()
    migrate(as_owner(url))
    yield server, url_as(SERVICE_LOGIN, url)
    server.stop()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The superuser's URL."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("data"))
    yield server.start()
    server.stop()


@pytest.fixture(scope="session")
def database_url(postgres_url: str) -> Iterator[str]:
    url = url_as(SERVICE_LOGIN, postgres_url)
    migrate(as_owner(url))
    yield url
    # Whatever the run's races, machines and transcripts did, the books are right.
    reads = create_read_engine(as_reader(url))
    with reads.connect() as connection:
        report = audit(connection)
    reads.dispose()
    assert report.findings == []


@pytest.fixture
def new_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Make empty databases on the run's server, for tests that spoil theirs."""
    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    names: list[str] = []

    def make() -> str:
        with engine.connect() as connection:
            number = connection.scalar(text("SELECT count(*) FROM pg_database"))
            names.append(f"spare_{os.getpid()}_{number}")
            connection.execute(text(f"CREATE DATABASE {names[-1]} OWNER {OWNER_LOGIN}"))
        url = make_url(postgres_url).set(database=names[-1])
        return url_as(SERVICE_LOGIN, url.render_as_string(hide_password=False))

    yield make
    with engine.connect() as connection:
        for name in names:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_wallet_engine(database_url, connections=64)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def owner(database_url: str) -> Iterator[Engine]:
    """The owner's way to the tables, for what nothing in the product does."""
    owner = create_wallet_engine(as_owner(database_url), connections=8)
    yield owner
    owner.dispose()


@pytest.fixture(scope="session")
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


_numbers = count(1)


@dataclass(frozen=True)
class Player:
    """A fresh player, and short ways to play: amounts as text, names numbered, so that tests read as stories."""

    user_id: str
    ledger: Ledger
    engine: Engine

    def open(self, currency: str, balance: str) -> Receipt:
        return self.ledger.apply(OpenWallet(self.user_id, currency, Decimal(balance)))

    def bet(
        self,
        amount: str,
        *,
        round_id: str = "r1",
        reference: str = "b1",
        currency: str | None = "USD",
        bonus_code: str | None = None,
        game_id: str = "g1",
    ) -> Receipt:
        return self.ledger.apply(
            Bet(self.user_id, currency, round_id, game_id, reference, Decimal(amount), bonus_code, '{"a": "bet"}')
        )

    def refund(
        self,
        round_id: str | None = "r1",
        *,
        reference: str = "f1",
        currency: str | None = "USD",
        amount: str | None = None,
    ) -> Receipt:
        stated = None if amount is None else Decimal(amount)
        return self.ledger.apply(Refund(self.user_id, currency, round_id, "g1", reference, stated, '{"a": "refund"}'))

    def result(
        self,
        amount: str,
        *,
        round_id: str = "r1",
        reference: str = "w1",
        currency: str | None = "USD",
        bonus_code: str | None = None,
        promo: tuple[str, str] | None = None,
    ) -> Receipt:
        """Pay a result; ``promo`` is (amount, reference) of a promo win on top."""
        promo_amount, promo_reference = (Decimal(promo[0]), promo[1]) if promo else (None, None)
        return self.ledger.apply(
            Result(
                self.user_id,
                currency,
                round_id,
                "g1",
                reference,
                Decimal(amount),
                bonus_code,
                promo_amount,
                promo_reference,
                '{"a": "result"}',
            )
        )

    def end_round(self, round_id: str = "r1", currency: str | None = "USD") -> Receipt:
        return self.ledger.apply(EndRound(self.user_id, currency, round_id, '{"an": "end"}'))

    def cancel(self, reference: str = "b1", *, round_id: str = "r1", currency: str | None = "USD") -> Receipt:
        return self.ledger.apply(Cancel(self.user_id, currency, round_id, reference, '{"a": "cancel"}'))

    def win(
        self,
        kind: WinKind,
        amount: str,
        *,
        reference: str = "p1",
        round_id: str | None = None,
        bonus_code: str | None = None,
        currency: str | None = "USD",
    ) -> Receipt:
        return self.ledger.apply(
            Win(self.user_id, kind, currency, round_id, reference, Decimal(amount), bonus_code, '{"a": "win"}')
        )

    def transfer(self, kind: TransferKind, amount: str, *, reference: str = "t1", currency: str = "USD") -> Receipt:
        return self.ledger.apply(
            Transfer(self.user_id, kind, currency, reference, Decimal(amount), '{"a": "transfer"}')
        )

    def adjust(self, kind: AdjustmentKind, amount: str, *, reference: str = "a1", currency: str = "USD") -> Receipt:
        return self.ledger.apply(
            Adjust(self.user_id, kind, currency, reference, Decimal(amount), "test", "goodwill", '{"an": "adjustment"}')
        )

    def check(self, currency: str | None = "USD") -> Receipt:
        return self.ledger.apply(Check(self.user_id, currency, '{"a": "check"}'))

    def freeze(self) -> Receipt:
        return self.ledger.apply(SetPlayerState(self.user_id, "frozen", "test", "to see"))

    def unfreeze(self) -> Receipt:
        return self.ledger.apply(SetPlayerState(self.user_id, "active", "test", "seen"))

    def decide(self, decision: Literal["refund", "leave"], reason: str, reference: str = "") -> Receipt:
        return self.ledger.apply(
            DecideReview(self.user_id, "r1", reason, reference, decision, "test", "to see", '{"a": "decision"}')
        )

    def queue_review(self, about: str, *, round_id: str = "r1", currency: str = "USD") -> Receipt:
        return self.ledger.apply(QueueReview(self.user_id, currency, round_id, "reconciliation", about))

    def request(
        self, round_id: str | None = "r1", *, game_id: str | None = "g1", why: str = "stuck", patience: int = 60
    ) -> Receipt:
        return self.ledger.apply(RequestCancellation(self.user_id, round_id, game_id, "test", why, patience))

    def answer(
        self, attempt: Receipt, answer: Literal["accepted", "refused", "unknown"], *, patience: int = 60
    ) -> Receipt:
        assert attempt.transaction_id
        code = {"accepted": "0", "refused": "G.01", "unknown": ""}[answer]
        return self.ledger.apply(
            AnswerCancellation(self.user_id, attempt.transaction_id, answer, code, "as told", patience)
        )

    def cancellation(self, round_id: str | None = "r1", game_id: str | None = "g1") -> CancellationRow:
        with self.engine.connect() as connection:
            record = cancellation_of(connection, self.user_id, round_id, game_id)
        assert record
        return record

    def reviews(self) -> list[tuple[str, str, str, str | None]]:
        """Return (round, reason, reference, resolution) of every review."""
        rows = self.query("SELECT round_id, reason, reference, resolution FROM reviews", "ORDER BY opened_at")
        return [(row.round_id, row.reason, row.reference, row.resolution) for row in rows]

    def state(self, round_id: str = "r1") -> str:
        states: dict[str, str] = {row.round_id: row.state for row in self.query("SELECT * FROM rounds")}
        return states[round_id]

    def reversing(self) -> "Player":
        """Return this player over a ledger whose refunds reverse settled rounds."""
        return replace(self, ledger=Ledger(self.engine, reverse_settled=True))

    def balance(self, currency: str = "USD") -> Decimal:
        with self.engine.connect() as connection:
            return next(row.balance for row in wallets_of(connection, self.user_id) if row.currency == currency)

    def log(self) -> list[tuple[str, Decimal]]:
        """Return (call, signed amount) of every transaction, in order."""
        return [(row.call, row.amount) for row in self.query("SELECT call, amount FROM transactions", "ORDER BY seq")]

    def query(self, select: str, order: str = "") -> list[Any]:
        """Return the rows of a SELECT over this player's rows."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(f"{select} WHERE user_id = :user {order}"), {"user": self.user_id}))


@pytest.fixture(scope="session")
def new_player(ledger: Ledger, engine: Engine) -> Callable[..., Player]:
    def make(balance: str = "100", currency: str = "USD") -> Player:
        player = Player(f"player-{next(_numbers)}-{os.getpid()}", ledger, engine)
        assert player.open(currency, balance).outcome is Outcome.APPLIED
        return player

    return make


@pytest.fixture
def player(new_player: Callable[..., Player]) -> Player:
    return new_player()


def free_port() -> int:
    """Return a port that nobody listens on, and that the system gives to no outgoing connection meanwhile."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def signed(fields: dict[str, Any], secret: str) -> str:
    """Return the body hash of fields whose values are strings, written apart from the service's own code."""
    joined = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    return hashlib.md5((joined + secret).encode()).hexdigest()


class Service:
    """A wallet service in processes of its own, spoken to as Lucky Monaco does."""

    def __init__(
        self,
        database_url: str,
        stderr: Any = subprocess.PIPE,
        *,
        workers: str = "1",
        program: str = WALLET_SERVICE,
        **settings: str,
    ) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [program, "serve", "--port", str(self.port), "--workers", workers],
            env={**ENVIRONMENT, **SECRETS, **database_settings(database_url), **settings},
            stderr=stderr,
            text=True,
        )
        self.log: list[str] = []
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", timeout=10, limits=httpx.Limits(max_connections=100)
        )
        try:
            if self.process.stderr:
                self.await_line("listens on")
            else:
                self.await_port()
        except BaseException:
            self.stop()
            raise

    def await_line(self, words: str) -> str:
        """Read the service's log up to a line with these words."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line)
            if words in line:
                return line
        raise AssertionError(f"the service ended without saying {words!r}:\n{''.join(self.log)}")

    def await_port(self) -> None:
        """Knock until somebody opens."""
        while self.process.poll() is None:
            try:
                self.http.get("/healthz")
            except httpx.ConnectError:
                continue
            return
        raise AssertionError("the service ended")

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if body is not None:
            # In ASCII with escapes, as a lone surrogate can only be sent so.
            options |= {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}
        return self.http.post(path, **options)

    def v4_02(self, call: str, body: dict[str, Any]) -> httpx.Response:
        return self.post(f"/v4/{call}?authToken={SECRETS['WALLET_PARTNER_TOKEN']}", body)

    def v4(self, call: str, body: dict[str, Any]) -> httpx.Response:
        path = f"/V4/{call}?MEMB_ID={SECRETS['WALLET_PARTNER_ID']}&HASH={SECRETS['WALLET_PARTNER_TOKEN']}"
        return self.post(path, {**body, "hash": signed(body, SECRETS["WALLET_HASH_SECRET"])})

    def stop(self) -> int:
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        _, rest = self.process.communicate(timeout=30)
        self.log.extend((rest or "").splitlines(keepends=True))
        return self.process.returncode


@pytest.fixture
def new_service(database_url: str) -> Iterator[Callable[..., Service]]:
    services: list[Service] = []

    def start(url: str = database_url, **settings: str) -> Service:
        services.append(Service(url, **settings))
        return services[-1]

    yield start
    for service in services:
        service.stop()


@pytest.fixture(scope="session")
def service(database_url: str) -> Iterator[Service]:
    """The service that most tests share."""
    # Its log is not read while it runs: at WARNING it cannot fill the pipe.
    service = Service(database_url, WALLET_LOG_LEVEL="WARNING")
    yield service
    service.stop()


@pytest.fixture
def stand() -> Iterator[Stand]:
    stand = Stand()
    yield stand
    stand.stop()


@pytest.fixture
def new_client(stand: Stand, caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., LuckyMonaco]]:
    """Make clients of the stand, and see that no library of theirs logs a secret."""
    caplog.set_level(logging.DEBUG)
    clients: list[LuckyMonaco] = []

    def make(version: Any = "v4.02", url: str = stand.url, **options: Any) -> LuckyMonaco:
        clients.append(LuckyMonaco(url, version, PARTNER, TOKEN, SECRET, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    assert not reveals("\n".join(record.getMessage() for record in caplog.get_records("call")))
