"""Every list and search answers from an index, on the plan that the planner makes of the very query."""

import subprocess
from datetime import timedelta

import pytest
from sqlalchemy import event, make_url, text

from tests.conftest import ENVIRONMENT, WALLET_SERVICE, as_owner, as_reader, database_settings
from wallet_service.admin.action_reads import state_changes_of
from wallet_service.admin.filters import read_filters
from wallet_service.admin.listing import page_of, rows_of
from wallet_service.admin.lists import LISTINGS
from wallet_service.admin.overview_reads import refusals_between, tallies_between, waiting
from wallet_service.admin.players import open_rounds_of
from wallet_service.admin.refusals import latest_refusals_of
from wallet_service.admin.search_reads import find
from wallet_service.admin.statement import statements_of
from wallet_service.admin.stories import story_of
from wallet_service.admin.story_reads import actions_of_transaction, attempts_of, refunded_by, transaction_of
from wallet_service.database import create_desk_engine
from wallet_service.embedded_roles import OWNER_LOGIN, SERVICE_LOGIN
from wallet_service.ledger.audit import audit
from wallet_service.schema import migrate

BY_NAME = {listing.name: listing for listing in LISTINGS}
CASES = [
    ("rounds", {}),
    ("rounds", {"state": "refunded", "game": "game-1", "currency": "USD", "least": "5"}),
    ("rounds", {"player": "seed-0000001"}),
    ("rounds", {"player": "seed-0000001", "state": "open"}),
    ("rounds", {"round": "seed-77"}),
    ("rounds", {"state": "open"}),
    ("rounds", {"state": "open", "game": "game-1", "to": "2026-01-01T00:00"}),
    ("transactions", {}),
    ("transactions", {"call": "refund", "currency": "USD", "most": "5"}),
    ("transactions", {"player": "seed-0000001"}),
    ("transactions", {"game": "game-1"}),
    ("transactions", {"player": "seed-0000001", "round": "seed-1"}),
    ("transactions", {"round": "seed-77"}),
    ("refusals", {}),
    ("refusals", {"outcome": "insufficient_balance", "call": "bet"}),
    ("refusals", {"player": "seed-0000001"}),
    ("refusals", {"round": "seed-77"}),
    ("cancellations", {}),
    ("cancellations", {"state": "refunded", "game": "game-1"}),
    ("cancellations", {"state": "overdue"}),
    ("cancellations", {"player": "seed-0000001"}),
    ("reviews", {}),
    ("reviews", {"state": "all"}),
    ("reviews", {"state": "left", "reason": "reconciliation"}),
    ("reviews", {"player": "seed-0000001"}),
    ("actions", {}),
    ("actions", {"kind": "cancel"}),
    ("actions", {"player": "seed-0000001"}),
]


@pytest.fixture(scope="module")
def seeded(postgres_url):
    """A connection to a database with a month of play."""
    admin = create_desk_engine(postgres_url, 1, read_only=False).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE seeded OWNER {OWNER_LOGIN}"))
    its_url = make_url(postgres_url).set(database="seeded", username=SERVICE_LOGIN)
    url = its_url.render_as_string(hide_password=False)
    migrate(as_owner(url))
    subprocess.run(
        [WALLET_SERVICE, "seed", "--players", "500", "--rounds", "20000", "--transactions", "60000"],
        env={**ENVIRONMENT, **database_settings(url)},
        check=True,
        capture_output=True,
    )
    engine = create_desk_engine(as_reader(url), 1, read_only=True)
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE seeded WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def plans(seeded):
    """A connection, and the plan of every query that it runs."""
    with seeded.connect() as connection:
        # The tables are small, so that a scan may be the cheapest; what matters is that there is another way.
        connection.execute(text("SET enable_seqscan = off"))
        told: list[str] = []

        @event.listens_for(connection, "before_cursor_execute")
        def explain(conn, cursor, statement, parameters, context, executemany):
            if not statement.startswith("SET"):
                rows = conn.connection.dbapi_connection.execute("EXPLAIN " + statement, parameters)
                told.append("\n".join(row[0] for row in rows))

        yield connection, told


def test_a_seeded_database_is_right(seeded):
    with seeded.connect() as connection:
        report = audit(connection)
    assert report.findings == []
    assert (report.rows["players"], report.rows["rounds"], report.rows["transactions"]) == (500, 20_000, 60_000)


def test_only_an_empty_database_is_seeded(seeded, postgres_url):
    its_url = make_url(postgres_url).set(database="seeded", username=SERVICE_LOGIN)
    url = its_url.render_as_string(hide_password=False)
    result = subprocess.run(
        [WALLET_SERVICE, "seed"], env={**ENVIRONMENT, **database_settings(url)}, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "has players already" in result.stderr


@pytest.mark.parametrize(("name", "typed"), CASES, ids=str)
def test_a_list_uses_an_index(plans, name, typed):
    connection, told = plans
    listing = BY_NAME[name]
    asked = read_filters(listing.filters, typed, listing.is_free)
    page = page_of(connection, listing, asked, None)
    assert told
    assert not [plan for plan in told if "Seq Scan" in plan], told
    assert page.next or len(page.rows) <= 50


@pytest.mark.parametrize("name", ["rounds", "transactions"])
def test_a_file_of_a_day_uses_an_index(plans, name):
    connection, told = plans
    listing = BY_NAME[name]
    asked = read_filters(listing.filters, {"currency": "USD"}, listing.is_free)
    assert list(rows_of(connection, listing, asked))
    assert "Seq Scan" not in told[0], told


@pytest.mark.parametrize(
    ("name", "typed", "index"),
    [
        ("rounds", {"state": "open"}, "rounds_waiting"),
        ("rounds", {"state": "open", "to": "2026-01-01T00:00"}, "rounds_waiting"),
        ("cancellations", {"state": "overdue"}, "cancellations_awaited"),
        ("reviews", {}, "reviews_waiting"),
    ],
    ids=str,
)
def test_a_queue_is_read_in_its_order_from_its_own_index(plans, name, typed, index):
    connection, told = plans
    listing = BY_NAME[name]
    asked = read_filters(listing.filters, typed, listing.is_free)
    assert asked.window.start is None, "however old its rows are"
    connection.execute(text("SET LOCAL enable_bitmapscan = off"))  # of few rows it would be as good
    told.clear()
    page_of(connection, listing, asked, None)
    assert f"using {index} " in told[0], told


def test_the_overview_uses_indexes(plans):
    connection, told = plans
    now = connection.scalar(text("SELECT now()"))
    told.clear()
    waiting(connection)
    tallies_between(connection, now - timedelta(hours=1), now)
    refusals_between(connection, now - timedelta(days=1), now)
    assert len(told) == 7
    assert not [plan for plan in told if "Seq Scan" in plan], told


def test_the_stories_use_indexes(plans):
    connection, told = plans
    now = connection.scalar(text("SELECT now()"))
    find_one = text(
        "SELECT user_id, round_id, id FROM transactions WHERE call = 'refund' AND round_id IS NOT NULL LIMIT 1"
    )
    user_id, round_id, transaction_id = connection.execute(find_one).one()
    told.clear()
    assert story_of(connection, user_id, round_id).events
    assert transaction_of(connection, user_id, transaction_id)
    refunded = refunded_by(connection, user_id, transaction_id)
    attempts_of(connection, user_id, refunded)
    actions_of_transaction(connection, user_id, transaction_id)
    open_rounds_of(connection, user_id)
    latest_refusals_of(connection, user_id)
    assert statements_of(connection, user_id, now - timedelta(days=30), now)
    state_changes_of(connection, user_id)
    assert not [plan for plan in told if "Seq Scan" in plan], told


def test_a_search_uses_indexes(plans):
    connection, told = plans
    transaction_id = connection.scalar(text("SELECT id::text FROM transactions LIMIT 1"))
    told.clear()
    for word in ("seed-0000001", "seed-77", "seed-77-1", transaction_id):
        assert len(find(connection, word)) == 1
    assert not [plan for plan in told if "Seq Scan" in plan], told
    for index in ("refusals_by_reference", "refusals_by_round", "cancellations_by_round", "reviews_by_reference"):
        assert [plan for plan in told if f" {index} " in plan], (index, told)
