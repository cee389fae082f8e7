"""A player's page and statement: what a period opens with, plus what moved, is what it closes with."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from wallet_service.admin import statement
from wallet_service.admin.roles import Role


@pytest.fixture
def viewer(logged_in):
    return logged_in(Role.VIEWER)


def page_of(viewer, player, **period):
    answer = viewer.get(f"/players/{player.user_id}.json", params=period)
    assert answer.status_code == 200, answer.text
    return answer.json()


def times(player):
    """Return when each transaction was written, in the wallet's order."""
    return [row.at for row in player.query("SELECT at FROM transactions", "ORDER BY seq")]


def test_the_page_shows_the_wallets_and_the_open_rounds(player, viewer):
    player.open("EUR", "7")
    player.bet("30")
    player.bet("1", round_id="over", reference="b2")
    player.result("2", round_id="over")
    player.freeze()
    told = page_of(viewer, player)
    assert told["state"] == "frozen"
    assert [(wallet["currency"], wallet["balance"]) for wallet in told["wallets"]] == [
        ("EUR", "7.00"),
        ("USD", "71.00"),
    ]
    assert [row["round_id"] for row in told["open_rounds"]] == ["r1"]
    assert "frozen" in viewer.get(f"/players/{player.user_id}").text


def test_every_period_of_a_wallet_adds_up_and_meets_the_log(player, viewer):
    player.bet("30")
    player.result("12.345678901234567891")
    player.bet("0.000000000000000001", round_id="r2", reference="b2")
    player.refund("r2")
    player.transfer("deposit", "5")
    log, moments = player.log(), times(player)
    for first in range(len(log)):
        for last in range(first, len(log)):
            told = page_of(
                viewer,
                player,
                **{"from": moments[first].isoformat(), "to": (moments[last] + timedelta(microseconds=1)).isoformat()},
            )
            [of_wallet] = told["statements"]
            part = log[first : last + 1]
            assert [(entry["call"], Decimal(entry["amount"])) for entry in of_wallet["entries"]] == part
            opening = Decimal(100) + sum(amount for _, amount in log[:first])
            assert Decimal(of_wallet["opening"]) == opening
            assert Decimal(of_wallet["net"]) == sum(amount for _, amount in part)
            assert Decimal(of_wallet["closing"]) == opening + sum(amount for _, amount in part)
            assert of_wallet["count"] == len(part)


def test_a_period_before_the_wallet_has_no_statement_and_one_after_it_only_its_balance(player, viewer):
    player.bet("30")
    assert page_of(viewer, player, **{"from": "2020-01-01", "to": "2020-01-31"})["statements"] == []
    [later] = page_of(viewer, player, **{"from": "2090-01-01", "to": "2090-01-31"})["statements"]
    assert (later["opening"], later["closing"], later["entries"]) == ("70.00", "70.00", [])


def test_a_date_is_a_whole_day_in_utc(player, viewer):
    player.bet("30")
    today = f"{times(player)[0].astimezone(UTC):%Y-%m-%d}"
    told = page_of(viewer, player, **{"from": today, "to": today})
    assert [entry["call"] for entry in told["statements"][0]["entries"]] == ["bet"]
    assert told["period"]["start"] == f"{today}T00:00:00.000+00:00"


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"from": "0001-01-01T00:00+14:00"}, "from"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "from"),
    ],
)
def test_a_wrong_period_says_so_at_its_field_and_the_rest_works(player, viewer, asked, wrong):
    player.bet("30")
    assert list(page_of(viewer, player, **asked)["period"]["errors"]) == [wrong]
    page = viewer.get(f"/players/{player.user_id}", params=asked)
    assert page.status_code == 200
    assert f'id="{wrong}-error"' in page.text


def test_a_long_statement_shows_its_first_entries_and_the_sums_of_all(player, engine, monkeypatch):
    monkeypatch.setattr(statement, "MOST_ENTRIES", 2)
    for number in range(5):
        player.transfer("deposit", "1", reference=f"t{number}")
    now = datetime.now(UTC)
    with engine.connect() as connection:
        [told] = statement.statements_of(connection, player.user_id, now - timedelta(1), now + timedelta(1))
    assert [entry.reference for entry in told.entries] == ["t0", "t1"]
    assert (told.count, told.net, told.closing) == (5, Decimal(5), Decimal(105))


def test_a_long_statement_leads_to_the_whole_of_it(player, viewer):
    for number in range(statement.MOST_ENTRIES + 3):
        player.transfer("deposit", "1", reference=f"t{number}")
    page = viewer.get(f"/players/{player.user_id}").text
    assert "3 further entries are not shown" in page
    assert f"/admin/transactions.csv?player={player.user_id}&amp;from=" in page
