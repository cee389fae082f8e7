"""A player's page and statement: what a period opens with, plus what moved, is what it closes with."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet_service.admin import statement
from wallet_service.admin.refusals import MOST_REFUSALS
from wallet_service.admin.roles import Role

MINUS = "\N{MINUS SIGN}"


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


def test_what_is_in_play_is_what_was_staked_without_what_was_cancelled(player, viewer):
    player.bet("30", round_id="half", reference="b1")
    player.bet("12", round_id="half", reference="b2")
    player.cancel("b1", round_id="half")
    player.bet("7", round_id="none", reference="b3")
    player.cancel("b3", round_id="none")
    assert [row["round_id"] for row in page_of(viewer, player)["open_rounds"]] == ["half"]
    page = viewer.get(f"/players/{player.user_id}").text
    assert re.search(r"In play.*half.*>12\.00<", page, re.DOTALL)


def test_the_page_shows_what_was_refused_outside_a_round_and_how_often(player, viewer):
    for _ in range(2):
        assert player.win("promo_win", "5", currency="EUR", reference="lost-win").outcome == "wallet_unknown"
    player.bet("1000000", round_id="dear", reference="b1")
    told = page_of(viewer, player)
    assert [(row["reference"], row["round_id"], row["times"]) for row in told["refused"]] == [
        ("b1", "dear", 1),
        ("lost-win", None, 2),
    ]
    page = viewer.get(f"/players/{player.user_id}").text
    assert "lost-win" in page
    assert "The wallet holds less than the stake." in page


def test_the_page_shows_the_latest_refusals_and_leads_to_all(player, viewer):
    for number in range(MOST_REFUSALS + 1):
        player.bet("1000000", reference=f"b{number}")
    told = page_of(viewer, player)
    assert [row["reference"] for row in told["refused"]] == [f"b{number}" for number in range(MOST_REFUSALS, 0, -1)]
    assert f"/admin/refusals?player={player.user_id}" in viewer.get(f"/players/{player.user_id}").text


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


def test_amounts_line_up_in_their_columns_and_the_data_is_as_it_was(player, viewer):
    player.bet("30.125")
    player.transfer("withdrawal", "5")
    player.adjust("credit", "1.000000000000000001")
    for path in (f"/players/{player.user_id}", f"/transactions?player={player.user_id}"):
        page = viewer.get(path).text
        table = page.rpartition("<tbody>")[2] + page.partition("Statement</h2>")[2]
        amounts = re.findall(r'<td class="amount[^>]*>(\S+?)</td>', table)
        assert len(amounts) >= 6
        assert {len(amount.partition(".")[2]) for amount in amounts} == {18}, path
        assert f"{MINUS}30.125000000000000000" in page
        assert "-30.125" not in page
    [told] = page_of(viewer, player)["statements"]
    assert [entry["amount"] for entry in told["entries"]] == ["-30.125", "-5.00", "1.000000000000000001"]
    assert ",-30.125," in viewer.get(f"/transactions.csv?player={player.user_id}").text


def test_periods_join_from_before_the_wallet_was_opened(player, viewer):
    player.bet("30")
    player.transfer("deposit", "5")
    [wallet] = player.query("SELECT opened_at FROM wallets")
    opened, later = wallet.opened_at, timedelta(microseconds=1)
    moments = [opened - timedelta(1), opened, opened + later, *times(player), datetime.now(UTC)]
    balance = Decimal(0)
    for start, end in pairwise(moments):
        told = page_of(viewer, player, **{"from": start.isoformat(), "to": end.isoformat()})
        for of_wallet in told["statements"]:
            assert Decimal(of_wallet["opening"]) == balance
            moved = [of_wallet["opened"]] if of_wallet["opened"] else []
            assert moved == (
                [{"at": opened.isoformat(timespec="milliseconds"), "amount": "100.00"}] * (start == opened)
            )
            net = sum(Decimal(entry["amount"]) for entry in moved + of_wallet["entries"])
            assert Decimal(of_wallet["net"]) == net
            balance += net
            assert Decimal(of_wallet["closing"]) == balance
    assert balance == 75
    page = viewer.get(f"/players/{player.user_id}").text
    assert re.search(r"Opening balance</td><td class=\"amount\">0.00<", page)
    assert re.search(r"Wallet opened</td><td class=\"amount\">\+100.00</td><td class=\"amount\">100.00<", page)


def test_a_statement_closes_when_it_was_read_at_the_latest(player, viewer):
    player.bet("30")
    before = datetime.now(UTC).replace(microsecond=0)
    today = page_of(viewer, player)
    assert before <= datetime.fromisoformat(today["closing_at"]) <= datetime.now(UTC)
    past = page_of(viewer, player, **{"from": "2026-01-01", "to": "2026-01-31"})
    assert past["closing_at"] == past["period"]["end"]
    coming = page_of(viewer, player, **{"from": "2090-01-01", "to": "2090-01-31"})
    assert coming["closing_at"] == coming["period"]["start"]
    page = viewer.get(f"/players/{player.user_id}").text
    [closed] = re.findall(r'<tfoot>\s*<tr[^>]*><td><time datetime="([^"]+)"', page)
    assert before <= datetime.fromisoformat(closed) <= datetime.now(UTC)


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


def parts_of(connection, player, currency, period):
    """Go from part to part of a wallet's statement, as the links lead."""
    after: int | None = 0
    while after is not None:
        [part] = statement.statements_of(connection, player.user_id, *period, currency=currency, after=after)
        yield part
        after = part.next


@given(
    movements=st.lists(st.decimals("0.000000000000000001", 10**13, places=18), max_size=7),
    room=st.integers(1, 4),
    cut=st.tuples(st.integers(0, 7), st.integers(0, 7)),
    from_the_start=st.booleans(),
)
def test_the_parts_of_a_statement_are_all_of_it_and_each_adds_up(
    new_player, engine, movements, room, cut, from_the_start
):
    player = new_player("99999999999999.999999999999999999")
    player.open("EUR", "5")
    for number, amount in enumerate(movements):
        player.transfer("deposit" if number % 2 else "withdrawal", str(amount), reference=f"t{number}")
    first, last = sorted(min(place, len(movements)) for place in cut)
    moments = [*times(player), datetime.now(UTC) + timedelta(1)]
    period = datetime(2020, 1, 1, tzinfo=UTC) if from_the_start else moments[first], moments[last]
    first = 0 if from_the_start else first
    with engine.connect() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(statement, "MOST_ENTRIES", room)
        parts = list(parts_of(connection, player, "USD", period))
        both = statement.statements_of(connection, player.user_id, *period)
        back = [parts[-1]]
        while back[-1].previous is not None:
            before = back[-1].previous
            back += statement.statements_of(connection, player.user_id, *period, currency="USD", after=before)
    entries = [entry for part in parts for entry in part.entries]
    assert [entry.reference for entry in entries] == [f"t{number}" for number in range(first, last)]
    opened_with = Decimal("99999999999999.999999999999999999") if from_the_start else 0
    net = sum(entry.amount for entry in entries) + opened_with
    sums = {(part.opening, part.net, part.closing, part.count) for part in parts}
    assert sums == {(parts[0].part.opening, net, parts[-1].part.closing, len(entries))}, "those of the whole period"
    for part in parts:
        assert len(part.entries) <= room
        assert (part.opened.amount if part.opened else 0) == opened_with
        moved = sum(entry.amount for entry in part.entries) + (opened_with if part.previous is None else 0)
        assert part.part.opening + moved == part.part.closing
        assert part.part.closing - part.part.opening == part.part.net
        assert part.part.last - part.part.first + 1 == len(part.entries)
    for one, other in pairwise(parts):
        assert one.part.closing == other.part.opening
        assert one.part.last + 1 == other.part.first
    assert [of.currency for of in both] == ["EUR", "USD"]
    assert back[-1].part.first == 1, "and back to the first one"
    assert len(back) == len(parts)


def test_a_long_statement_is_read_part_by_part(player, viewer):
    room = statement.MOST_ENTRIES // 2
    player.open("EUR", "7")
    for number in range(room + 3):
        player.transfer("deposit", "1", reference=f"t{number}")
    euros, dollars = page_of(viewer, player)["statements"]
    assert (euros["next_url"], euros["previous_url"], dollars["previous_url"]) == (None, None, None)
    assert [entry["reference"] for entry in dollars["entries"]] == [f"t{number}" for number in range(room)]
    [rest] = viewer.get(dollars["next_url"].removeprefix("/admin")).json()["statements"]
    assert [entry["reference"] for entry in rest["entries"]] == [f"t{room + number}" for number in range(3)]
    assert rest["part"] == {
        "first": room + 1,
        "last": room + 3,
        "opening": f"{100 + room}.00",
        "net": "3.00",
        "closing": f"{100 + room + 3}.00",
    }
    for name in ("opening", "net", "closing", "count"):
        assert rest[name] == dollars[name], "the sums stay those of the period"
    assert rest["next_url"] is None
    whole = viewer.get(dollars["csv_url"].removeprefix("/admin"))
    assert whole.status_code == 200
    assert whole.text.count("deposit") == room + 3
    page = viewer.get(f"/players/{player.user_id}").text
    assert f"Entries 1 to {room} of {room + 3}" in page
    assert f"/admin/transactions.csv?player={player.user_id}&amp;from=" in page
    [way] = re.findall(r'rel="next" href="([^"]+)"', page)
    last = viewer.get(unescape(way).removeprefix("/admin")).text
    assert f"Entries {room + 1} to {room + 3} of {room + 3}" in last
    assert f"Balance after the {room} earlier entries" in last
    assert 'rel="prev"' in last
    assert 'rel="next"' not in last


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"currency": "USD", "after": "x"}, "after"),
        ({"currency": "USD", "after": "-1"}, "after"),
        ({"currency": "USD", "after": "9" * 5000}, "after"),
        ({"currency": "USD", "after": "\N{SUPERSCRIPT TWO}"}, "after"),
        ({"currency": "XXX"}, "currency"),
    ],
)
def test_a_damaged_link_to_a_part_says_so_and_the_rest_works(player, viewer, asked, wrong):
    player.bet("30")
    told = page_of(viewer, player, **asked)
    assert list(told["period"]["errors"]) == [wrong]
    assert [len(of_wallet["entries"]) for of_wallet in told["statements"]] == [1]
    page = viewer.get(f"/players/{player.user_id}", params=asked)
    assert "so here is the first one" in page.text or "has no wallet in XXX" in page.text


def test_a_part_beyond_the_end_is_empty_and_leads_back(player, viewer):
    player.bet("30")
    [part] = page_of(viewer, player, currency="USD", after="9" * 18)["statements"]
    assert (part["entries"], part["part"]["opening"], part["closing"]) == ([], "70.00", "70.00")
    [first] = viewer.get(part["previous_url"].removeprefix("/admin")).json()["statements"]
    assert len(first["entries"]) == 1
