"""The feed has every transaction once, whenever it was committed, and goes on from anywhere."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from uuid_utils.compat import uuid7

from tests.conftest import as_owner, free_port
from wallet_service.database import create_feed_engine, create_migration_engine
from wallet_service.embedded import EmbeddedPostgres
from wallet_service.embedded_roles import SERVICE_LOGIN, url_as
from wallet_service.ledger.calls import Bet
from wallet_service.ledger.feed import BEGINNING, Feed, FeedUnavailableError, Position
from wallet_service.ledger.statements import STATEMENTS
from wallet_service.schema import migrate

NO_MARGIN = timedelta(0)
"""What these tests try is the locks alone."""


@pytest.fixture
def new_feed(database_url):
    engine = create_feed_engine(database_url)
    yield lambda: Feed(engine, NO_MARGIN)
    engine.dispose()


@pytest.fixture
def feed(new_feed):
    return new_feed()


@pytest.fixture
def start(engine):
    """Behind all that other tests have written."""
    with engine.connect() as connection:
        return Position(connection.scalar(text("SELECT clock_timestamp()")), UUID(int=0))


@pytest.fixture
def slow_engine(database_url):
    """Connections on which a call's transaction ends when the test says so."""
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"), pool_size=8)
    yield engine
    engine.dispose()


def bet_in(connection, player, reference):
    """Bet one in the connection's open transaction, and return the time that the bet got."""
    values = {"user_id": player.user_id, "id": uuid7(), "currency": "USD", "round_id": "r1", "game_id": "g1"}
    values |= {"reference": reference, "amount": Decimal(1), "bonus_code": None, "sent": "{}"}
    assert connection.execute(STATEMENTS[Bet], values).one().outcome == "applied"


@contextmanager
def late_bet(engine, player, reference):
    """Bet, and commit when the block is over."""
    with engine.begin() as connection:
        bet_in(connection, player, reference)
        yield


def references(rows):
    return [row.reference for row in rows]


def test_what_is_committed_late_is_neither_skipped_nor_overtaken(feed, start, slow_engine, new_player):
    early, late = new_player(), new_player()
    with late_bet(slow_engine, late, "late"):
        early.bet("1", reference="early")
        waiting = feed.page(start, 10)
        assert (waiting.rows, waiting.next, waiting.complete_to) == ([], start, None)
    page = feed.page(waiting.next, 10)
    assert references(page.rows) == ["late", "early"]
    assert feed.page(page.next, 10).rows == []


def test_what_was_settled_before_is_read_while_another_transaction_is_open(feed, start, slow_engine, new_player):
    early, late = new_player(), new_player()
    early.bet("1", reference="before")
    settled = feed.page(start, 10)
    with late_bet(slow_engine, late, "late"):
        early.bet("1", reference="after")
        again = feed.page(start, 10)
        assert references(again.rows) == ["before"]
        assert again.complete_to == settled.complete_to
    assert references(feed.page(again.next, 10).rows) == ["late", "after"]


def test_an_aborted_transaction_leaves_nothing(feed, start, slow_engine, new_player):
    player = new_player()
    with slow_engine.connect() as connection:
        bet_in(connection, player, "never")
        connection.rollback()
    player.bet("1", reference="real")
    assert references(feed.page(start, 10).rows) == ["real"]


def test_a_reader_that_always_asks_misses_nothing_that_many_write(feed, start, slow_engine, new_player):
    """Each writer's transactions are open for a while, so that they are committed in another order than begun."""
    writers, each = 6, 30
    players = [new_player() for _ in range(writers)]
    written = Event()

    def write(number):
        random = Random(number)
        for reference in range(each):
            with late_bet(slow_engine, players[number], f"{number}-{reference}"), slow_engine.connect() as other:
                other.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": random.choice([0, 0, 0.001, 0.03])})

    def read():
        found, position = [], start
        while True:
            was_written = written.is_set()
            page = feed.page(position, 7)
            found += page.rows
            position = page.next
            if was_written and not page.rows:
                return found

    with ThreadPoolExecutor(writers + 1) as pool:
        reading = pool.submit(read)
        list(pool.map(write, range(writers)))
        written.set()
        found = reading.result()
    assert len(found) == len({row.id for row in found}) == writers * each
    for number, player in enumerate(players):
        own = [row for row in found if row.user_id == player.user_id]
        assert [row.seq for row in own] == list(range(1, each + 1))
        assert references(own) == [f"{number}-{reference}" for reference in range(each)]


def test_from_any_position_the_rest_is_the_same(feed, new_feed, start, new_player):
    players = [new_player() for _ in range(3)]
    numbers = count()
    for player in players * 4:
        player.bet("1", reference=f"b{next(numbers)}")
    rows = feed.page(start, 100).rows
    assert len(rows) == 12
    for index, row in enumerate(rows):
        rest = feed.page(Position(row.at, row.id), 100).rows
        assert rest == rows[index + 1 :]
    for limit in (1, 5, 12):
        position, found, another = start, [], new_feed()
        while page := another.page(position, limit).rows:
            found += page
            position = Position(page[-1].at, page[-1].id)
        assert found == rows


def test_a_row_says_what_a_warehouse_needs(feed, start, player):
    player.bet("10", round_id="r9", reference="b9")
    player.win("promo_win", "3", reference="p9")
    player.refund("r9", reference="f9", amount="99")
    bet, win, refund = feed.page(start, 10).rows
    assert (bet.user_id, bet.currency, bet.seq, bet.call) == (player.user_id, "USD", 1, "bet")
    assert (bet.round_id, bet.game_id, bet.reference) == ("r9", "g1", "b9")
    assert (bet.amount, bet.stated, bet.balance, bet.bonus_code) == (-10, 10, 90, None)
    assert (win.round_id, win.game_id, win.amount, win.balance) == (None, None, 3, 93)
    assert (refund.seq, refund.amount, refund.stated, refund.balance) == (3, 10, 99, 103)
    assert abs(datetime.now(UTC) - bet.at) < timedelta(minutes=1)


def test_the_margin_keeps_the_newest_back(database_url, start, player):
    engine = create_feed_engine(database_url)
    player.bet("1")
    assert Feed(engine, timedelta(minutes=1)).page(start, 10).rows == []
    assert len(Feed(engine, NO_MARGIN).page(start, 10).rows) == 1
    engine.dispose()


def test_a_standby_is_no_place_to_read_the_feed(tmp_path):
    """What is on its way is known by the primary alone: a standby does not show its locks."""
    server = EmbeddedPostgres(tmp_path)
    url = url_as(SERVICE_LOGIN, server.start())
    migrate(as_owner(url))
    server.stop()
    (tmp_path / "postgres" / "standby.signal").touch()
    standby = EmbeddedPostgres(tmp_path)
    engine = create_feed_engine(url_as(SERVICE_LOGIN, standby.start()))
    try:
        with pytest.raises(FeedUnavailableError, match="standby"):
            Feed(engine).page(BEGINNING, 10)
    finally:
        engine.dispose()
        standby.stop()


def test_a_primary_that_is_to_be_replaced_is_no_place_to_read_it_either(new_database):
    """What is new may be elsewhere by now: to say that all up to this moment was read would be wrong."""
    url = new_database()
    migrate(as_owner(url))
    engine = create_feed_engine(url)
    assert Feed(engine).page(BEGINNING, 10).complete_to
    with create_migration_engine(as_owner(url)).begin() as connection:
        name = connection.scalar(text("SELECT quote_ident(current_database())"))
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    engine.dispose()
    with pytest.raises(FeedUnavailableError, match="standby"):
        Feed(engine).page(BEGINNING, 10)
    engine.dispose()


def test_a_database_that_is_away_is_told_so():
    engine = create_feed_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    with pytest.raises(FeedUnavailableError):
        Feed(engine).page(BEGINNING, 10)
