"""A round's page: everything that happened, in order, told so that a dispute is answered by it."""

import re
from html import unescape
from json import dumps, loads
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
    assert [event["kind"] for event in told] == ["transaction", "transaction", "ended", "refusal", "review"]
    refusal = next(event["what"] for event in told if event["kind"] == "refusal")
    assert (refusal["outcome"], refusal["times"]) == ("round_settled", 3)
    page = viewer.get(f"/players/{player.user_id}/rounds/r1").text
    assert "The round has a result or was ended, so its refund waits for ops." in page
    assert "3 times" in page
    assert "It waits for a decision." in page


def test_a_decision_is_part_of_the_story(player, viewer):
    player.bet("30")
    player.result("5")
    player.refund()
    player.decide("leave", "refund_of_settled_round")
    kinds = [event["kind"] for event in events(viewer, player.user_id, "r1")]
    assert kinds[-2:] == ["action", "reviewed"]
    page = viewer.get(f"/players/{player.user_id}/rounds/r1").text
    assert "Decided: leave it as it is" in page
    assert "to see" in page


def test_a_refund_that_a_person_decided_says_so(player, viewer):
    player.bet("30")
    player.result("5")
    player.refund()
    player.decide("refund", "refund_of_settled_round")
    page = viewer.get(f"/players/{player.user_id}/rounds/r1").text
    assert page.count("Decided by test; Lucky Monaco is not told.") == 2, "the refund and its reversal"
    assert "Decided: refund the round" in page
    assert "It answered the cancellation" not in page
    told = [
        event["what"].get("call") or event["what"].get("kind") or event["kind"]
        for event in events(viewer, player.user_id, "r1")
    ]
    assert told == ["bet", "result", "refund", "review", "refund", "refund", "reversal", "reviewed"], (
        "the refund that was refused, the review it opened, the decision, what that moved, and the review's end"
    )


def story_text(viewer, player, round_id):
    """Return the words of a round's story, as somebody reads them."""
    page = viewer.get(f"/players/{player.user_id}/rounds/{round_id}").text
    story = page.partition('<ol class="story">')[2].partition("</ol>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", story)).split())


def in_this_order(text, *parts):
    rest = text
    for part in parts:
        assert part in rest, (part, text)
        rest = rest.partition(part)[2]


def play_refunded_before_bet(player):
    player.refund()
    for _ in range(3):
        player.bet("10")


def play_reversed(player):
    player.bet("10")
    player.result("25")
    player.reversing().refund(amount="9")


def play_cancelled(player):
    player.bet("10")
    player.bet("7", reference="b2")
    player.cancel("b2")
    player.cancel("b9")
    player.bet("7", reference="b9")


def play_in_review(player):
    player.bet("10")
    player.result("15")
    for _ in range(4):
        player.refund()


def play_free(player):
    player.bet("5", bonus_code="SPRING")
    player.result("12", bonus_code="SPRING")
    player.win("bonus_win", "20", bonus_code="SPRING", round_id="r1")


def play_promo(player):
    player.bet("5")
    player.result("0", promo=("3", "promo-7"))
    player.win("promo_win", "2", reference="promo-8", round_id="r1")


def play_two_currencies(player):
    player.open("EUR", "9")
    player.bet("5")
    for _ in range(2):
        player.bet("5", currency="EUR", reference="b2")


def play_late_bet(player):
    player.result("5")
    player.bet("5")
    player.result("5")


def play_game_cancelled(player):
    player.bet("5")
    player.bet("6", round_id="r2", reference="b2")
    player.answer(player.request(None, why="the game is out"), "accepted")
    player.refund()


def play_refund_by_reference(player):
    player.bet("5")
    player.refund(None, reference="b1")


@pytest.mark.parametrize(
    ("play", "says"),
    [
        (
            play_refunded_before_bet,
            ["Refund 0.00 USD", "No bet had come", "Bet refused 10.00 USD", "Asked 3 times", "round_refunded"],
        ),
        (
            play_reversed,
            [
                *("Bet \N{MINUS SIGN}10.00 USD", "Result +25.00 USD", "Balance after 115.00 USD", "Refund +10.00 USD"),
                *("It returned the stake.", "Lucky Monaco stated 9.00", "Reversal \N{MINUS SIGN}25.00 USD"),
                *("Balance after 100.00 USD", "It took back what the round had won.", "With refund"),
            ],
        ),
        (
            play_cancelled,
            [
                *("Bet", "Bet", "Cancel +7.00 USD", "Reference b2", "It returned the bet of this reference."),
                *("Cancel 0.00 USD", "Reference b9", "There was no such bet to return.", "review queue", "Unmatched"),
                *("Bet refused 7.00 USD", "bet_cancelled"),
            ],
        ),
        (
            play_in_review,
            [
                *("Bet", "Result +15.00 USD", "Refund refused", "Asked 4 times", "round_settled", "v4.02"),
                *("Put into the review queue waiting", "It waits for a decision."),
            ],
        ),
        (
            play_free,
            [
                *("Bet 0.00 USD", "Bonus SPRING", "A free round: it costs nothing. Lucky Monaco stated 5.00."),
                *("Result +12.00 USD", "Bonus win +8.00 USD", "had paid before was taken off", "stated 20.00"),
            ],
        ),
        (
            play_promo,
            [
                *("Bet", "Result 0.00 USD", "Promo win +3.00 USD", "promo-7", "It came with result"),
                *("Promo win +2.00 USD", "promo-8", "Answered applied"),
            ],
        ),
        (play_two_currencies, ["Bet", "Bet refused 5.00 EUR", "another currency", "Asked 2 times", "G.52"]),
        (
            play_late_bet,
            ["Result refused 5.00 USD", "Put into the review queue paid", "Bet", "Result +5.00", "Taken out", "paid"],
        ),
        (
            play_game_cancelled,
            [
                *("Bet", "Cancellation asked for", "with every open round of game g1", "accepted"),
                *("Refund +5.00 USD", "It answered the cancellation that test asked for: “the game is out”."),
            ],
        ),
        (play_refund_by_reference, ["Bet", "Reference b1", "Refund +5.00 USD", "It returned the stake."]),
    ],
)
def test_a_story_says_in_order_what_came_what_was_answered_and_why(player, viewer, play, says):
    play(player)
    in_this_order(story_text(viewer, player, "r1"), *says)


def test_a_round_whose_bets_were_all_cancelled_is_called_so_in_its_data_too(player, viewer):
    player.bet("1")
    player.cancel("b1")
    where = f"/players/{player.user_id}/rounds/r1"
    assert viewer.get(f"{where}.json").json()["story"]["head"]["state"] == "cancelled"
    assert "cancelled" in viewer.get(where).text


def test_a_refunded_round_is_not_offered_to_be_cancelled(logged_in, player):
    player.bet("5")
    page = f"/players/{player.user_id}/rounds/r1"
    operator = logged_in(Role.OPERATOR)
    assert "Cancel the round" in operator.get(page).text
    player.refund()
    assert "Cancel the round" not in operator.get(page).text


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


@pytest.mark.parametrize("text", ["\ue000", "\ue0005", "\ue000\ue001x", "\\", '\ue000"', "5", "9" * 5000])
def test_what_was_sent_is_shown_as_it_was(text):
    sent = dumps({"text": text, text: [1.50, text]})
    assert loads(pretty_json(sent)) == loads(sent)
    assert pretty_json(f"[{'9' * 5000}]") == f"[\n  {'9' * 5000}\n]"


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
    assert "What was answered" not in page, "nobody asked"


def test_a_refund_names_the_cancellation_it_answers(player, viewer):
    player.bet("30")
    player.answer(player.request(why="the game <b>hangs</b>"), "accepted")
    refund = player.refund()
    story = viewer.get(f"/players/{player.user_id}/rounds/r1").text
    assert "It answered the cancellation that test asked for: “the game &lt;b&gt;hangs&lt;/b&gt;”." in story
    page = viewer.get(f"/players/{player.user_id}/transactions/{refund.transaction_id}").text
    assert "the game &lt;b&gt;hangs&lt;/b&gt;" in page


@pytest.mark.parametrize(("answer", "badge"), [("accepted", "info"), ("refused", "danger"), (None, "warning")])
def test_a_cancellation_that_a_decision_closed_keeps_what_lucky_monaco_answered(player, viewer, answer, badge):
    player.bet("30")
    attempt = player.request(why="the game hangs")
    if answer:
        player.answer(attempt, answer)
    player.result("5")
    player.refund()
    player.decide("refund", "refund_of_settled_round")
    page = viewer.get(f"/players/{player.user_id}/rounds/r1").text
    assert "It closed the cancellation that test asked for: “the game hangs”." in page
    assert "It answered the cancellation" not in page
    head = page.partition("Cancellation</h2>")[2].partition("</ul>")[0]
    assert f'text-bg-{badge}">{answer or "unknown"}<' in head
    assert "What test decided refunded the round" in head
    [row] = viewer.get("/cancellations.json", params={"player": player.user_id}).json()["rows"]
    assert (row["state"], row["answer"], row["refund_by"]) == ("refunded", answer, "test")


def test_an_unknown_transaction_is_not_found(player, new_player, viewer):
    other = new_player().bet("1")
    assert viewer.get(f"/players/{player.user_id}/transactions/{other.transaction_id}").status_code == 404
