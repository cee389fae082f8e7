"""The overview: the days' numbers are those of the log, and what waits is counted as the queues have it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.admin.conftest import PASSWORD, SECRET_KEY, Visitor
from tests.conftest import Player, as_owner, as_reader
from wallet_service.admin import day_sums, overview_reads
from wallet_service.admin.accounts import Accounts
from wallet_service.admin.day_sums import DaySums
from wallet_service.admin.roles import Role
from wallet_service.database import create_desk_engine, create_migration_engine, create_wallet_engine
from wallet_service.ledger.calls import OpenWallet
from wallet_service.ledger.ledger import Ledger
from wallet_service.schema import migrate

VENDOR = Path(day_sums.__file__).parent / "static" / "vendor"
LONG = 30.0
"""Seconds that a test would wait for a count at most."""


@pytest.fixture
def house(new_database) -> Iterator[tuple[str, Player]]:
    """A house of its own with one player, so that its numbers are known."""
    url = new_database()
    migrate(as_owner(url))
    engine = create_wallet_engine(url, 4)
    player = Player("p", Ledger(engine), engine)
    player.ledger.apply(OpenWallet("p", "USD", Decimal(100)))
    player.ledger.apply(OpenWallet("p", "EUR", Decimal(100)))
    yield url, player
    engine.dispose()


@pytest.fixture
def reads(house) -> Iterator[Engine]:
    engine = create_desk_engine(as_reader(house[0]), 4, read_only=True)
    yield engine
    engine.dispose()


@pytest.fixture
def written_earlier(house) -> Callable[[timedelta], None]:
    """Move everything into the past, as time does."""

    def move(by: timedelta) -> None:
        with create_migration_engine(as_owner(house[0])).begin() as connection:
            connection.execute(text("ALTER TABLE transactions DISABLE TRIGGER USER"))
            connection.execute(text("UPDATE transactions SET at = at - :by"), {"by": by})
            connection.execute(text("UPDATE refusals SET first_at = first_at - :by"), {"by": by})
            connection.execute(text("UPDATE rounds SET opened_at = opened_at - :by"), {"by": by})
            connection.execute(text("ALTER TABLE transactions ENABLE TRIGGER USER"))

    return move


def play(player: Player, suffix: str = "") -> None:
    """Two bets, one win and one that pays nothing, a refund in each of two currencies, a refusal asked twice."""
    for currency, amount in (("USD", "10.5"), ("EUR", "7")):
        player.bet(amount, round_id=f"{currency}{suffix}", reference=f"{currency}{suffix}", currency=currency)
        player.refund(f"{currency}{suffix}", reference=f"{currency}{suffix}", currency=currency)
    player.bet("1", round_id=f"won{suffix}", reference=f"won{suffix}")
    player.result("2", round_id=f"won{suffix}", reference=f"won{suffix}")
    player.result("0", round_id=f"won{suffix}", reference=f"lost{suffix}")
    for _ in range(2):
        player.bet("100000", round_id=f"dear{suffix}", reference=f"dear{suffix}")


def test_today_is_counted_by_call_and_refunds_by_currency(house, reads):
    play(house[1])
    sums = DaySums(reads).read(LONG)
    assert sums.complete
    assert len(sums.days) == 30
    today = sums.days[-1]
    assert (today.day, today.bets, today.wins, today.refunds) == (datetime.now(UTC).date().isoformat(), 3, 1, 2)
    assert [(row.currency, row.total, row.amounts[-1]) for row in sums.refunded] == [
        ("EUR", Decimal(7), Decimal(7)),
        ("USD", Decimal("10.5"), Decimal("10.5")),
    ]
    assert [(row.outcome, row.requests, row.times) for row in sums.refused] == [("insufficient_balance", 1, 2)]


def test_each_transaction_is_counted_once_on_its_own_day(house, reads, written_earlier):
    _, player = house
    for number in range(3):
        play(player, str(number))
        written_earlier(timedelta(days=13))
    sums = DaySums(reads).read(LONG)
    # 39 days ago, 26 and 13: the first is out of the 30 days.
    assert {29 - index: day.bets for index, day in enumerate(sums.days) if day.bets} == {26: 3, 13: 3}
    assert sums.refunded[0].total == 14


def test_what_comes_later_is_counted_on_top_of_what_is_kept(house, reads, monkeypatch, written_earlier):
    monkeypatch.setattr(day_sums, "FRESH_FOR_S", -1)
    _, player = house
    play(player, "old")
    written_earlier(timedelta(days=2))
    sums = DaySums(reads)
    assert sum(day.bets for day in sums.read(LONG).days) == 3
    for round_number in range(3):
        play(player, str(round_number))
        counted = sums.read(LONG)
        assert sum(day.bets for day in counted.days) == 3 + 3 * (round_number + 1)
        assert counted.days[-3].bets == 3


def test_settled_hours_are_not_read_again(house, reads, monkeypatch, written_earlier):
    monkeypatch.setattr(day_sums, "FRESH_FOR_S", -1)
    play(house[1])
    written_earlier(timedelta(days=2))
    sums = DaySums(reads)
    sums.read(LONG)
    asked: list[datetime] = []
    between = overview_reads.tallies_between

    def watched(connection, start, end):
        asked.append(start)
        return between(connection, start, end)

    monkeypatch.setattr(day_sums, "tallies_between", watched)
    sums.read(LONG)
    assert asked
    assert min(asked) > datetime.now(UTC) - timedelta(hours=1)


def test_refusals_of_earlier_days_are_counted_but_seldom(house, reads, monkeypatch, written_earlier):
    monkeypatch.setattr(day_sums, "FRESH_FOR_S", -1)
    _, player = house
    play(player, "old")
    written_earlier(timedelta(days=2))
    play(player, "new")
    sums = DaySums(reads)
    assert [(row.requests, row.times) for row in sums.read(LONG).refused] == [(2, 4)]
    asked: list[datetime] = []
    between = overview_reads.refusals_between

    def watched(connection, start, end):
        asked.append(start)
        return between(connection, start, end)

    monkeypatch.setattr(day_sums, "refusals_between", watched)
    for suffix in ("old", "new"):
        player.bet("100000", round_id=f"dear{suffix}", reference=f"dear{suffix}")
    assert [(row.requests, row.times) for row in sums.read(LONG).refused] == [(2, 5)], "today's are counted anew"
    assert len(asked) == 1
    monkeypatch.setattr(day_sums, "REFUSALS_FRESH_FOR_S", -1)
    assert [(row.requests, row.times) for row in sums.read(LONG).refused] == [(2, 6)], "and the others by and by"
    assert len(asked) == 31


def test_a_count_that_fails_is_told_and_tried_again(house, reads, monkeypatch):
    monkeypatch.setattr(day_sums, "FRESH_FOR_S", -1)
    url, player = house
    play(player)
    sums = DaySums(reads)
    owner = create_migration_engine(as_owner(url))
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE transactions RENAME TO away"))
    assert not sums.read(LONG).complete
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO transactions"))
    assert sums.read(LONG).days[-1].bets == 3


def test_what_waits_is_counted(house, reads, written_earlier):
    _, player = house
    player.bet("1", round_id="r1", reference="b1")
    player.bet("1", round_id="void", reference="b2")
    player.cancel("b2", round_id="void")
    written_earlier(timedelta(hours=25))
    player.bet("1", round_id="young", reference="b3")
    player.bet("1", round_id="settled", reference="b4")
    player.result("1", round_id="settled", reference="w4")
    player.refund("settled")
    player.answer(player.request("r1"), "accepted", patience=0)
    with reads.connect() as connection:
        found = overview_reads.waiting(connection)
    one = overview_reads.Count(1, is_least=False)
    assert (found.long_open_rounds, found.overdue_cancellations, found.reviews) == (one, one, one)
    assert found.oldest_review_at


def test_more_than_anybody_would_read_is_not_counted(house, reads, monkeypatch, written_earlier):
    monkeypatch.setattr(overview_reads, "MOST_COUNTED", 2)
    for number in range(5):
        house[1].bet("1", round_id=str(number), reference=str(number))
    written_earlier(timedelta(hours=25))
    with reads.connect() as connection:
        counted = overview_reads.waiting(connection).long_open_rounds
    assert counted == overview_reads.Count(2, is_least=True)


def test_a_count_gives_up_and_says_so(house, reads, monkeypatch, written_earlier):
    monkeypatch.setattr(overview_reads, "MOST_SCANNED", 3)
    _, player = house
    for number in range(4):
        player.bet("1", round_id=str(number), reference=str(number))
    player.cancel("3", round_id="3")
    written_earlier(timedelta(hours=25))
    with reads.connect() as connection:
        counted = overview_reads.waiting(connection).long_open_rounds
    assert counted == overview_reads.Count(2, is_least=True)


def test_the_page_and_its_json_show_them(house, new_service, written_earlier):
    url, player = house
    play(player)
    player.refund("won", reference="late")
    written_earlier(timedelta(days=2))
    play(player, "today")
    accounts = create_desk_engine(url, 1, read_only=False)
    Accounts(accounts).create("viewer", PASSWORD, Role.VIEWER, by_whom="test", why="to test")
    accounts.dispose()
    with Visitor(new_service(url, WALLET_ADMIN_SECRET_KEY=SECRET_KEY)) as visitor:
        visitor.log_in("viewer")
        while not (told := visitor.get("/overview.json").json())["sums"]["complete"]:
            pass  # it is being counted
        page = visitor.get("/").text
    assert told["sums"]["days"][-1]["bets"] == 3
    assert told["waiting"]["reviews"] == {"number": 1, "is_least": False}
    assert (told["sums"]["refused_today"], [row["requests"] for row in told["sums"]["refused"]]) == (1, [2, 1])
    today = page.partition("Today (UTC)</h2>")[2].partition("</dl>")[0]
    assert re.findall(r"<dt>(\w+)</dt><dd>(\d+)</dd>", today) == [
        *(("Bets", "3"), ("Wins", "1"), ("Refunds", "2"), ("Refused", "1")),
    ]
    for heading in ("a day (30 days)", "Refunded in USD: 21.00 (30 days)", "Refusals by reason (30 days)"):
        assert f"{heading}</h2>" in page
    assert "<dd>The wallet holds less than the stake.</dd>" in page
    assert "reviews wait for a decision" in page
    assert "/admin/refusals?outcome=insufficient_balance&amp;from=" in page


def test_files_of_others_are_what_their_note_says():
    note = (VENDOR / "README.md").read_text()
    for file in VENDOR.glob("*.js"):
        assert sha256(file.read_bytes()).hexdigest() in note, file.name
        assert (VENDOR / "chart.LICENSE.md").exists()
