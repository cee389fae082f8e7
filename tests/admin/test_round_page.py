"""A round's page: everything that happened, in order, told so that a dispute is answered by it."""

import re
from urllib.parse import quote

import pytest
from sqlalchemy import event

from wallet_service.admin.formats import pretty_json
from wallet_service.admin.roles import Role
from wallet_service.admin.stories import story_of
from wallet_service.ledger.calls import Bet
from wallet_service.ledger.money import parse_money

MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def viewer(logged_in):
    return logged_in(Role.VIEWER)


def events(viewer, user_id, round_id):
    answer = viewer.get(f"/players/{quote(user_id, safe='')}/rounds/{quote(round_id)}.json")
    assert answer.status_code == 200, answer.text
    return answer.json()["story"]["events"]


def test_a_cancelled_round_is_told_from_its_bet_to_its_refund(player, viewer):
    player.bet("30")
    player.bet("2.5", reference="b2")
    attempt = player.request(why="the game hangs")
    player.answer(attempt, "accepted")
    refund = player.refund()
    told = events(viewer, player.user_id, "r1")
    assert [event["kind"] for event in told] == ["transaction", "transaction", "asked", "answered", "transaction"]
    moved = [event["what"] for event in told if event["kind"] == "transaction"]
    assert [(entry["call"], entry["amount"], entry["balance"]) for entry in moved] == [
        ("bet", "-30.00", "70.00"),
        ("bet", "-2.50", "67.50"),
        ("refund", "32.50", "100.00"),
    ]
    assert moved[-1]["id"] == str(refund.transaction_id)
    page = viewer.get(f"/players/{player.user_id}/rounds/r1").text
    for shown in (
        "the game hangs",
        "as told",
        str(refund.transaction_id),
        f"{MINUS}30.00",
        "+32.50",
        "&#34;refund&#34;",
    ):
        assert shown in page
    assert re.search(r"Refunded</dt><dd><span class=\"amount\">32.50", page)


def test_a_story_of_many_cancellations_takes_no_more_queries_than_of_one(player, engine):
    player.bet("1")
    player.request()
    queries = []
    for _ in range(2):
        with engine.connect() as connection:
            statements: list[str] = []
            event.listen(connection, "before_cursor_execute", lambda *args, to=statements: to.append(args[2]))
            story = story_of(connection, player.user_id, "r1")
        queries.append(len(statements))
        player.request(None)
    assert [row.round_id for row in story.cancellations] == ["r1", None], "the oldest first"
    assert queries[0] == queries[1] > 0


def test_a_refusal_is_explained_and_counted(player, viewer):
    player.bet("30")
    player.result("5")
    player.end_round()
    for _ in range(3):
        player.refund()
    told = events(viewer, player.user_id, "r1")
    assert [event["kind"] for event in told] == ["transaction", "transaction", "ended", "review", "refusal"]
    refusal = next(event["what"] for event in told if event["kind"] == "refusal")
    assert (refusal["outcome"], refusal["times"]) == ("round_settled", 3)
    page = viewer.get(f"/players/{player.user_id}/rounds/r1").text
    assert "The round has a result or was ended, so its refund waits for ops (rule 4)." in page
    assert "3 times" in page
    assert "It waits for a decision." in page


def test_a_decision_is_part_of_the_story(player, viewer):
    player.bet("30")
    player.result("5")
    player.refund()
    player.decide("leave", "refund_of_settled_round")
    kinds = [event["kind"] for event in events(viewer, player.user_id, "r1")]
    assert set(kinds[-2:]) == {"reviewed", "action"}
    page = viewer.get(f"/players/{player.user_id}/rounds/r1").text
    assert "Decided: leave it as it is" in page
    assert "to see" in page


def test_a_refund_that_a_person_decided_says_so(player, viewer):
    player.bet("30")
    player.result("5")
    player.refund()
    player.decide("refund", "refund_of_settled_round")
    page = viewer.get(f"/players/{player.user_id}/rounds/r1").text
    assert page.count("A person decided it") == 1
    assert "Decided: refund the round" in page
    assert "It closed the cancellation" not in page


def test_a_round_that_never_had_a_bet_shows_what_was_said_about_it(player, viewer):
    player.result("5", round_id="ghost")
    assert "The wallet has no such round" in viewer.get(f"/players/{player.user_id}/rounds/ghost").text
    assert {event["kind"] for event in events(viewer, player.user_id, "ghost")} == {"refusal", "review"}


def test_another_players_round_of_the_same_id_stays_theirs(new_player, viewer):
    mine, theirs = new_player(), new_player()
    mine.bet("1", round_id="table")
    theirs.bet("7", round_id="table")
    assert [event["what"]["amount"] for event in events(viewer, mine.user_id, "table")] == ["-1.00"]


@pytest.mark.parametrize("round_id", ["a/b", "/a", "a//b", "50%", "?#&", "<script>alert(1)</script>", "é\u202e漢", " "])
def test_any_id_has_a_page_and_is_shown_as_text(player, viewer, round_id):
    player.bet("1", round_id=round_id)
    assert len(events(viewer, player.user_id, round_id)) == 1
    page = viewer.get(f"/players/{player.user_id}/rounds/{quote(round_id)}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_what_was_sent_is_text_and_its_numbers_are_as_written(ledger, player, viewer):
    sent = '{"note": "<img src=x onerror=alert(1)>", "amount": 0.100000000000000000000001, "n": 1e2}'
    ledger.apply(Bet(player.user_id, "USD", "r1", "g1", "b1", parse_money("1"), None, sent))
    page = viewer.get(f"/players/{player.user_id}/rounds/r1").text
    assert "<img" not in page
    assert "0.100000000000000000000001" in page
    assert pretty_json('{"a":1.10,"b":[1E5,"x"]}') == '{\n  "a": 1.10,\n  "b": [\n    1E5,\n    "x"\n  ]\n}'


@pytest.mark.parametrize("path", ["/players/{}/rounds/none", "/players/nobody-at-all"])
def test_what_does_not_exist_is_not_found_and_can_be_searched_for(player, viewer, path):
    answer = viewer.get(path.format(player.user_id))
    assert answer.status_code == 404
    assert 'action="/admin/search"' in answer.text


@pytest.mark.parametrize("path", ["/players/%00", "/players/{}/rounds/%00"])
def test_what_no_row_can_hold_is_not_found(player, viewer, path):
    assert viewer.get(path.format(player.user_id)).status_code == 404


def test_a_transactions_page_shows_all_of_it(player, viewer):
    receipt = player.bet("30")
    page = viewer.get(f"/players/{player.user_id}/transactions/{receipt.transaction_id}").text
    for shown in ("100.00", "70.00", f"{MINUS}30.00", f"/admin/players/{player.user_id}/rounds/r1", "b1"):
        assert shown in page
    told = viewer.get(f"/players/{player.user_id}/transactions/{receipt.transaction_id}.json").json()
    assert told["balance_before"] == "100.00"
    assert told["answer"]["outcome"] == "applied"


def test_a_transaction_by_hand_names_who_made_it(player, viewer):
    receipt = player.adjust("credit", "5")
    page = viewer.get(f"/players/{player.user_id}/transactions/{receipt.transaction_id}").text
    assert "goodwill" in page


def test_a_refund_names_the_cancellation_it_answers(player, viewer):
    player.bet("30")
    player.answer(player.request(why="the game hangs"), "accepted")
    refund = player.refund()
    page = viewer.get(f"/players/{player.user_id}/transactions/{refund.transaction_id}").text
    assert "the game hangs" in page


def test_an_unknown_transaction_is_not_found(player, new_player, viewer):
    other = new_player().bet("1")
    assert viewer.get(f"/players/{player.user_id}/transactions/{other.transaction_id}").status_code == 404
