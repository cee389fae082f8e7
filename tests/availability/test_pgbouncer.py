"""The wallet behind PgBouncer in transaction mode, as docs/high-availability.md sets it up."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.availability.callers import Callers
from tests.availability.pair import open_wallets
from tests.availability.pooler import PgBouncer, documented_settings, needs_pgbouncer
from tests.chaos.postgres import Postgres
from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE, as_owner, as_reader, free_port
from tests.test_backup import audited, call_of, log_of
from tests.test_outage import BALANCE, RESEND, resend
from wallet_service.embedded_roles import make_roles, url_as
from wallet_service.schema import migrate

pytestmark = needs_pgbouncer

CALLERS = 12
RACERS = 8
ROLES = Path(__file__).parents[2] / "deploy" / "roles.sql"


class Pooled:
    """A server with a pooler in front, and where the wallet's roles find it."""

    def __init__(self, folder):
        self.server = Postgres(folder / "server", free_port())
        self.server.start()
        self.superuser = f"postgresql://postgres@127.0.0.1:{self.server.port}/postgres"
        make_roles(self.superuser)
        migrate(as_owner(self.superuser))
        (folder / "pooler").mkdir()
        self.pooler = PgBouncer(folder / "pooler", self.server.port, documented_settings())
        self.url = self.pooler.url("postgres")
        self.settings = {
            "WALLET_OWNER_DATABASE_URL": as_owner(self.superuser),
            "WALLET_READER_DATABASE_URL": as_reader(self.superuser),
            "WALLET_PREPARED_STATEMENTS": "off",
            "WALLET_LOG_LEVEL": "ERROR",
        }

    def superuser_does(self, *statements):
        with self.server.connect(database="postgres") as connection:
            for statement in statements:
                connection.execute(statement)

    def stop(self):
        self.pooler.stop()
        self.server.stop()


@pytest.fixture(scope="module")
def unbounded(tmp_path_factory):
    """Before the roles have their timeouts."""
    folder = tmp_path_factory.mktemp("pooled")
    folder.chmod(0o755)
    pooled = Pooled(folder)
    yield pooled
    pooled.stop()


@pytest.fixture(scope="module")
def pooled(unbounded):
    statements = re.findall(r"^ALTER ROLE wallet_service SET .*;$", ROLES.read_text(), re.MULTILINE)
    assert len(statements) == 2
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'wallet_service'"
    unbounded.superuser_does(*statements, end)
    return unbounded


@pytest.fixture(scope="module")
def stuck_and_free(pooled):
    open_wallets(url_as("wallet_service", pooled.superuser), ["p100", "p101", "p102"], "1000")


@pytest.fixture
def wallet(pooled, stuck_and_free, new_service):
    return new_service(pooled.url, workers="2", WALLET_CONNECTIONS="4", **pooled.settings)


def refused(url, **settings):
    environment = {**ENVIRONMENT, **SECRETS, "WALLET_DATABASE_URL": url, **settings}
    command = [WALLET_SERVICE, "serve", "--port", str(free_port())]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    return done.stderr


def test_it_is_not_served_without_the_timeouts_that_the_pooler_drops(unbounded):
    said = refused(unbounded.url, **unbounded.settings)
    assert "ALTER ROLE wallet_service SET lock_timeout = 1000" in said
    assert "ALTER ROLE wallet_service SET statement_timeout = 1500" in said
    for line in re.findall(r"ALTER ROLE [^;,]*", said):
        assert f"{line};\n" in ROLES.read_text(), "as the roles are made"


def test_a_pooler_that_is_not_told_to_drop_them_is_not_waited_for(unbounded, tmp_path):
    tmp_path.chmod(0o755)
    settings = re.sub("^ignore_startup_parameters.*\n", "", documented_settings(), flags=re.MULTILINE)
    strict = PgBouncer(tmp_path, unbounded.server.port, settings)
    try:
        said = refused(strict.url("postgres"), **unbounded.settings)
    finally:
        strict.stop()
    assert "WALLET_DATABASE_URL: " in said
    assert "options" in said


def test_under_load_each_acknowledged_call_is_there_once(pooled, wallet):
    callers = Callers(wallet, CALLERS)
    open_wallets(url_as("wallet_service", pooled.superuser), callers.players, "100000")
    with callers.calling():
        callers.wait_for_more(600)
    callers.check({key: id_ for key, id_ in log_of(pooled.superuser).items() if key[0] in callers.players})
    assert callers.acknowledged
    audit = audited(as_reader(pooled.superuser))
    assert audit.returncode == 0, audit.stdout + audit.stderr
    wallet.stop()
    assert not [line for line in wallet.log if '"level"' in line], "no fault is logged"


def test_of_refunds_that_race_one_pays(wallet):
    for number in range(20):
        assert wallet.v4_02(*call_of("Bet", 100, number)).json()["error"] == 0
        _, refund = call_of("Refund", 100, number)

        def send(racer, refund=refund):
            return resend(wallet, "Refund", {**refund, "reference": f"{refund['reference']}-{racer}"})

        with ThreadPoolExecutor(RACERS) as pool:
            answers = list(pool.map(send, range(RACERS)))
        assert {answer["error"] for answer in answers} == {0}
        assert len({answer["transactionId"] for answer in answers}) == 1
    assert wallet.v4_02("Balance", {**BALANCE, "userId": "p100"}).json()["cash"] == "1000.00"


def test_a_stuck_wallet_holds_up_nobody_else(pooled, wallet):
    with pooled.server.connect(database="postgres") as holder, holder.transaction():
        holder.execute("SELECT FROM wallets WHERE user_id = 'p101' FOR UPDATE")
        with ThreadPoolExecutor(32) as pool:
            stuck = [pool.submit(wallet.v4_02, *call_of("Bet", 101, number)) for number in range(32)]
            others = [wallet.v4_02(*call_of("Bet", 102, number)).json()["error"] for number in range(50)]
            assert [one.result().json() for one in stuck] == [RESEND] * 32
    assert others == [0] * 50
    assert resend(wallet, *call_of("Bet", 101, 0))["error"] == 0


def test_the_feed_is_read_through_it_too(pooled, new_service):
    service = new_service(pooled.url, workers="2", WALLET_OPERATOR_TOKEN="platform-token", **pooled.settings)
    headers = {"Authorization": "Bearer platform-token"}

    def read(_):
        return service.http.get("/operator/transactions?limit=5", headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(60))) == {200}
