"""The lists: their filters, their pages, and what a wrong value gets."""

import csv
import io
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from json import dumps
from pathlib import Path

import pytest
from sqlalchemy import text

from wallet_service.admin import listing, refusals
from wallet_service.admin.cursors import read_cursor, write_cursor
from wallet_service.admin.export import cell_of
from wallet_service.admin.filters import read_filters
from wallet_service.admin.lists import LISTINGS
from wallet_service.admin.roles import Role
from wallet_service.ledger import functions as ledger_functions
from wallet_service.ledger.outcomes import Outcome


@pytest.fixture
def viewer(logged_in):
    return logged_in(Role.VIEWER)


def rows(visitor, name, **filters):
    answer = visitor.get(f"/{name}.json", params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def walk(visitor, name, **filters):
    """Return the rows of every page."""
    seen, page = [], visitor.get(f"/{name}.json", params=filters).json()
    while True:
        seen.append(page["rows"])
        if not page["next"]:
            return seen
        page = visitor.get(page["next_url"].removeprefix("/admin"), headers={"Accept": "application/json"}).json()


@pytest.mark.parametrize("name", [item.name for item in LISTINGS])
def test_each_list_is_a_page_json_and_a_file(name, viewer, player):
    player.bet("10")
    player.refund()
    assert "<h1" in viewer.get(f"/{name}").text
    page = viewer.get(f"/{name}.json").json()
    assert {"rows", "next", "errors", "window", "filters"} <= page.keys()
    file = viewer.get(f"/{name}.csv")
    assert file.headers["content-type"].startswith("text/csv")
    assert file.headers["content-disposition"].startswith(f"attachment; filename={name}_")


def test_rounds_are_found_by_what_they_are(viewer, player):
    player.bet("10", round_id="small", reference="b1")
    player.bet("50", round_id="big", reference="b2", game_id="g2")
    player.refund("small")
    me = {"player": player.user_id}
    assert [row["round_id"] for row in rows(viewer, "rounds", **me)] == ["big", "small"]
    for filters, found in (
        ({"state": "refunded"}, ["small"]),
        ({"game": "g2"}, ["big"]),
        ({"currency": "USD"}, ["big", "small"]),
        ({"currency": "EUR"}, []),
        ({"least": "10.01"}, ["big"]),
        ({"least": "10", "most": "10.00"}, ["small"]),
        ({"round": "big"}, ["big"]),
        ({"to": "2020-01-01T00:00"}, []),
        ({"from": "2020-01-01T00:00Z"}, ["big", "small"]),
    ):
        assert [row["round_id"] for row in rows(viewer, "rounds", **me, **filters)] == found, filters


def test_a_round_whose_bets_were_all_cancelled_is_not_open(viewer, player):
    player.bet("10", round_id="void", reference="b1")
    player.cancel("b1", round_id="void")
    player.bet("10", round_id="half", reference="b2")
    player.bet("10", round_id="half", reference="b3")
    player.cancel("b2", round_id="half")
    me = {"player": player.user_id}
    assert [row["round_id"] for row in rows(viewer, "rounds", **me, state="open")] == ["half"]
    assert [row["round_id"] for row in rows(viewer, "rounds", **me, state="cancelled")] == ["void"]
    assert [row["state"] for row in rows(viewer, "rounds", **me)] == ["open", "cancelled"]
    assert ">cancelled<" in viewer.get(f"/players/{player.user_id}/rounds/void").text


def test_transactions_are_found_by_what_they_are(viewer, player):
    player.bet("10")
    player.bet("20", round_id="r2", reference="b2")
    player.refund("r2", reference="f2")
    me = {"player": player.user_id}
    assert [(row["call"], row["amount"]) for row in rows(viewer, "transactions", **me)] == [
        ("refund", "20.00"),
        ("bet", "-20.00"),
        ("bet", "-10.00"),
    ]
    assert [row["reference"] for row in rows(viewer, "transactions", **me, call="bet")] == ["b2", "b1"]
    assert [row["reference"] for row in rows(viewer, "transactions", **me, least="15", most="25")] == ["f2", "b2"]
    assert [row["reference"] for row in rows(viewer, "transactions", **me, reference="b1")] == ["b1"]


def test_transactions_are_found_by_the_game_of_their_round(viewer, player):
    player.bet("10")
    player.bet("20", round_id="r2", reference="b2", game_id="g2")
    player.result("1", round_id="r2")
    player.transfer("deposit", "5")
    found = rows(viewer, "transactions", player=player.user_id, game="g2")
    assert [(row["reference"], row["game_id"]) for row in found] == [("w1", "g2"), ("b2", "g2")]


def test_where_nothing_is_found_the_page_says_what_would_help(viewer, player):
    page = viewer.get("/rounds", params={"player": player.user_id, "game": "nobody's"}).text
    assert "Take a filter away." in page
    assert "Widen the time" not in page, "it is of all times"
    assert "Widen the time" in viewer.get("/rounds", params={"game": "nobody's"}).text
    assert "There is no player" not in page
    stranger = {"player": f"no-{player.user_id}"}
    assert (
        f'There is no player <span class="id">no-{player.user_id}</span>.'
        in viewer.get("/rounds", params=stranger).text
    )
    assert viewer.get("/rounds.json", params=stranger).json()["unknown_player"] == stranger["player"]


def test_a_list_says_whose_zone_its_times_are_in(viewer):
    page = viewer.get("/rounds").text
    assert "<span data-zone>The times are in UTC.</span> From and To are in UTC." in page


def test_the_review_queue_shows_what_a_decision_is_about(viewer, player):
    player.bet("10", reference="b1")
    player.bet("7", reference="b2")
    player.cancel("b2")
    player.result("5")
    player.refund()
    player.queue_review("missing_here", round_id="nowhere")
    unknown, known = rows(viewer, "reviews", player=player.user_id)
    assert [known[name] for name in ("staked", "cancelled", "won")] == ["17.00", "7.00", "5.00"]
    assert [unknown[name] for name in ("staked", "cancelled", "won")] == [None, None, None]


def test_a_round_s_transactions_are_found_without_the_player_and_whenever_they_were(viewer, player):
    name = f"lonely-{player.user_id}"[:36]
    player.bet("10", round_id=name)
    page = viewer.get("/transactions.json", params={"round": name}).json()
    assert [row["call"] for row in page["rows"]] == ["bet"]
    assert page["window"] == {"start": None, "end": None, "is_default": False}


def test_cancellations_reviews_and_actions_are_found(viewer, player):
    player.bet("10")
    attempt = player.request(why="it hangs")
    me = {"player": player.user_id}
    [asked] = rows(viewer, "cancellations", **me)
    assert (asked["state"], asked["why"], asked["round_id"]) == ("requested", "it hangs", "r1")
    player.answer(attempt, "accepted", patience=0)
    assert [row["state"] for row in rows(viewer, "cancellations", **me, state="overdue")] == ["overdue"]
    assert rows(viewer, "cancellations", **me, state="accepted") == []
    [action] = rows(viewer, "actions", **me)
    assert (action["kind"], action["by_whom"], action["after"]) == ("cancel", "test", {"cancellation": "requested"})
    assert rows(viewer, "actions", **me, kind="freeze") == []


def test_refusals_are_found_by_what_they_are(viewer, player):
    player.bet("1000000", round_id="dear", reference="b1")
    for _ in range(3):
        player.win("promo_win", "5", currency="EUR", reference="p1")
    me = {"player": player.user_id}
    promo, bet = rows(viewer, "refusals", **me)
    assert [promo[name] for name in ("call", "reference", "round_id", "outcome", "times", "stated", "currency")] == [
        "promo_win",
        "p1",
        None,
        "wallet_unknown",
        3,
        "5.00",
        "EUR",
    ]
    assert promo["last_at"] > promo["first_at"]
    assert bet["round_id"] == "dear"
    for filters, found in (
        ({"call": "bet"}, ["b1"]),
        ({"outcome": "wallet_unknown"}, ["p1"]),
        ({"round": "dear"}, ["b1"]),
        ({"to": "2020-01-01T00:00"}, []),
    ):
        assert [row["reference"] for row in rows(viewer, "refusals", **me, **filters)] == found, filters


def test_every_call_and_outcome_that_the_ledger_remembers_can_be_asked_for():
    functions = "".join(file.read_text() for file in Path(ledger_functions.__file__).parent.glob("*.sql"))
    named = {str(outcome) for outcome in Outcome if f"'{outcome}'" in functions}
    answers = {"applied", "replayed", "player_unknown", "wallet_exists", "review_unknown", "cancellation_under_way"}
    assert set(refusals.OUTCOMES) == named - answers
    calls = set(re.findall(r"\b(?:refuse|no_wallet)\(\s*p_user_id, '(\w+)'", functions))
    assert "balance" in calls
    assert calls <= set(refusals.CALLS)


def test_open_reviews_are_shown_unless_others_are_asked_for(viewer, player):
    player.bet("10")
    player.result("5")
    player.refund()
    me = {"player": player.user_id}
    assert [row["state"] for row in rows(viewer, "reviews", **me)] == ["open"]
    player.decide("leave", "refund_of_settled_round")
    assert rows(viewer, "reviews", **me) == []
    assert [row["state"] for row in rows(viewer, "reviews", **me, state="left")] == ["left"]
    assert [row["state"] for row in rows(viewer, "reviews", **me, state="all")] == ["left"]


def test_open_reviews_wait_however_old_they_are(viewer):
    assert viewer.get("/reviews.json").json()["window"]["start"] is None
    assert viewer.get("/reviews.json?state=all").json()["window"]["is_default"]


@pytest.mark.parametrize("name", ["rounds", "transactions", "cancellations", "actions"])
def test_a_window_always_applies_where_no_player_is_named(viewer, name):
    window = viewer.get(f"/{name}.json").json()["window"]
    start = datetime.fromisoformat(window["start"])
    assert window["is_default"]
    assert timedelta(0) <= datetime.now(UTC) - timedelta(hours=24) - start < timedelta(minutes=5)
    assert "24 hours" in viewer.get(f"/{name}").text
    page = viewer.get(f"/{name}.json", params={"from": "2026-01-01T00:00", "to": "2026-03-01T00:00"}).json()
    assert "31 days" in page["errors"]["from"][0]
    assert page["window"]["start"] == "2026-01-29T00:00:00.000+00:00"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("from", "yesterday"),
        ("to", "9999-12-31T23:59"),
        ("from", "0001-01-01T00:00+14:00"),
        ("least", "-5"),
        ("most", "NaN"),
        ("state", "lost"),
        ("player", "x" * 65),
        ("game", "a\0b"),
    ],
)
def test_a_wrong_value_is_told_at_its_field_and_the_rest_works(viewer, player, field, value):
    player.bet("10")
    asked = {"player": player.user_id, "round": "r1"} | {field: value}
    page = viewer.get("/rounds.json", params=asked).json()
    assert list(page["errors"]) == [field]
    if field != "player":
        assert [row["round_id"] for row in page["rows"]] == ["r1"]
    html = viewer.get("/rounds", params=asked)
    assert html.status_code == 200
    assert f'id="wrong-{field}"' in html.text
    assert viewer.get("/rounds.csv", params=asked).status_code == 400, "a file of something else would mislead"


@pytest.mark.parametrize("name", [item.name for item in LISTINGS])
def test_a_filter_that_a_list_has_not_is_told(viewer, name):
    unknown = {"<b>colour": "red", "state ": "open"}
    page = viewer.get(f"/{name}.json", params=unknown).json()
    assert list(page["errors"]) == list(unknown)
    assert "player, " in page["errors"]["<b>colour"][0], "and those that it has are named"
    html = viewer.get(f"/{name}", params=unknown)
    assert "&lt;b&gt;colour</span>: There is no such filter" in html.text
    assert viewer.get(f"/{name}.csv", params=unknown).status_code == 400
    many = viewer.get(f"/{name}.json", params={f"{'x' * 100}{number}": "1" for number in range(50)}).json()
    assert [len(name) for name in many["errors"]] == [64]


def test_pages_follow_one_another_while_rows_arrive(viewer, player):
    for number in range(120):
        player.bet("0.01", round_id=f"r{number}", reference=f"b{number}")
    me = {"player": player.user_id}
    page = viewer.get("/transactions.json", params=me).json()
    seen = [row["reference"] for row in page["rows"]]
    number = 120
    while page["next"]:
        for _ in range(7):
            player.bet("0.01", round_id=f"r{number}", reference=f"b{number}")
            number += 1
        page = viewer.get("/transactions.json", params={**me, "after": page["next"]}).json()
        seen += [row["reference"] for row in page["rows"]]
    assert seen == [f"b{number}" for number in reversed(range(120))]


def test_rows_of_one_moment_are_neither_lost_nor_doubled(viewer, player, owner):
    """A player's rounds that were opened at the same moment, over three pages."""
    for number in range(130):
        player.bet("0.01", round_id=f"r{number:03}", reference=f"b{number}")
    with owner.connect() as connection:
        connection.execute(
            text("UPDATE rounds SET opened_at = '2026-01-01' WHERE user_id = :user"), {"user": player.user_id}
        )
    pages = walk(viewer, "rounds", **{"from": "2025-12-31T00:00", "to": "2026-01-02T00:00", "game": "g1"})
    assert [len(page) for page in pages] == [50, 50, 30]
    assert [row["round_id"] for page in pages for row in page] == [f"r{number:03}" for number in reversed(range(130))]
    with owner.connect() as connection:
        connection.execute(text("UPDATE rounds SET opened_at = now() WHERE user_id = :user"), {"user": player.user_id})


def test_a_page_gives_up_a_long_scan_and_the_next_one_goes_on_from_there(player, monkeypatch):
    monkeypatch.setattr(listing, "MAX_SCANNED", 20)
    for number in range(90):
        player.bet("0.01" if number % 30 else "0.02", round_id=f"r{number}", reference=f"b{number}")
    [transactions] = [item for item in LISTINGS if item.name == "transactions"]
    asked = read_filters(transactions.filters, {"player": player.user_id, "least": "0.02"}, transactions.is_free)
    pages, after = [], None
    with player.engine.connect() as connection:
        while True:
            page = listing.page_of(connection, transactions, asked, after)
            pages.append([row["reference"] for row in page.rows])
            if not page.next:
                break
            assert page.scanned_to
            after = read_cursor(page.next, transactions.key_types)
    assert pages == [[], ["b60"], ["b30"], [], ["b0"]]


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "====", "\0", "a" * 5000, "WzEsMiwzXQ", write_cursor(["r1"])),
        write_cursor([datetime(2026, 1, 1, tzinfo=UTC), "u", "a\0b"]),
    ],
)
def test_a_damaged_cursor_is_told_and_the_first_page_shown(viewer, player, cursor):
    player.bet("10")
    page = viewer.get("/rounds.json", params={"player": player.user_id, "after": cursor}).json()
    assert "damaged" in page["problem"]
    assert [row["round_id"] for row in page["rows"]] == ["r1"]


def test_the_next_page_keeps_the_filters_and_the_window(viewer, player):
    for number in range(60):
        player.bet("0.01", round_id=f"r{number}", reference=f"b{number}")
    page = viewer.get("/transactions.json", params={"call": "bet", "currency": "USD"}).json()
    assert page["window"]["is_default"]
    after = viewer.get(page["next_url"].removeprefix("/admin"), headers={"Accept": "application/json"}).json()
    assert (after["filters"]["call"], after["filters"]["currency"]) == ("bet", "USD")
    assert after["window"]["start"] == page["window"]["start"]


def test_text_of_players_is_shown_as_text(viewer, player):
    player.bet("10", round_id="<b>r&1</b>/x?y", reference="<i>")
    page = viewer.get("/transactions", params={"player": player.user_id}).text
    assert "<b>r" not in page
    assert "&lt;i&gt;" in page
    assert f"/admin/players/{player.user_id}/rounds/%3Cb%3Er" in page


def test_a_file_has_what_was_filtered_and_nothing_a_spreadsheet_would_run(viewer, player):
    player.bet("10", reference='=cmd|"x"')
    player.bet("5", reference="+1", round_id="r2")
    player.result("3", reference="-w", round_id="r2")
    answer = viewer.get("/transactions.csv", params={"player": player.user_id, "call": "bet"})
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["reference"] for line in lines] == ["'+1", '\'=cmd|"x"']
    assert [line["amount"] for line in lines] == ["-5.00", "-10.00"]
    name = answer.headers["content-disposition"]
    assert f"player-{player.user_id}_call-bet.csv" in name


def test_the_file_name_has_no_letter_that_a_system_would_mind(viewer, player):
    answer = viewer.get("/rounds.csv", params={"player": player.user_id, "round": '../"\u00e9;\\x'})
    name = answer.headers["content-disposition"].partition("filename=")[2]
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def test_a_file_has_every_row_and_not_a_page(viewer, player):
    for number in range(1100):
        player.transfer("deposit", "0.01", reference=f"d{number}")
    answer = viewer.get("/transactions.csv", params={"player": player.user_id})
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["reference"] for line in lines] == [f"d{number}" for number in reversed(range(1100))]
    assert Decimal(lines[0]["balance"]) == Decimal("111.00")


@pytest.mark.parametrize("name", [item.name for item in LISTINGS])
@pytest.mark.parametrize("part", [5, {}, [], None, True])
def test_a_cursor_whose_parts_are_no_texts_is_damaged_in_every_list(viewer, name, part):
    (parts,) = [len(item.key) for item in LISTINGS if item.name == name]
    key = ["2026-01-01T00:00:00+00:00", *[part] * (parts - 1)]
    for tampered in (key, dict.fromkeys(map(str, range(parts)), part), part):
        cursor = urlsafe_b64encode(dumps(tampered).encode()).decode().rstrip("=")
        assert "damaged" in viewer.get(f"/{name}.json", params={"after": cursor}).json()["problem"]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("a;=1+1", "a;'=1+1"),
        ("a|@SUM(A1)", "a|'@SUM(A1)"),
        ("a\t-1", "a\t'-1"),
        ("a\r\n+1", "a\r\n'+1"),
        ("\t=1", "'\t'=1"),
        ("2026-01-01;a=b-c", "2026-01-01;a=b-c"),
    ],
)
def test_a_cell_is_harmless_whatever_separates_cells(text, cell):
    assert cell_of(text) == cell
