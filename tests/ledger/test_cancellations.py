"""What ops asked to void is on record, and the refund closes it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations

import pytest
from psycopg.errors import NoDataFound
from sqlalchemy.exc import DBAPIError

from tests.ledger.test_races import race
from wallet_service.ledger.calls import AnswerCancellation, RequestCancellation
from wallet_service.ledger.cancellation_reads import cancellations_of, stale_rounds
from wallet_service.ledger.outcomes import Outcome as O
from wallet_service.ledger.outcomes import Receipt


def test_asked_accepted_refunded(player):
    player.bet("10")
    attempt = player.request(why="the game hangs")
    assert attempt.outcome is O.APPLIED
    asked = player.cancellation()
    assert (asked.state, asked.by_whom, asked.why, asked.game_id) == ("requested", "test", "the game hangs", "g1")
    assert asked.due_at == asked.asked_at + timedelta(seconds=60)
    player.answer(attempt, "accepted", patience=3600)
    accepted = player.cancellation()
    assert (accepted.state, accepted.code, accepted.message) == ("accepted", "0", "as told")
    assert accepted.due_at == accepted.answered_at + timedelta(hours=1)
    refund = player.refund()
    closed = player.cancellation()
    assert (closed.state, closed.refund_id, closed.due_at) == ("refunded", refund.transaction_id, None)
    assert closed.refunded_at >= closed.answered_at
    assert (closed.id, closed.attempts) == (asked.id, 1)


def test_a_request_or_a_refusal_moves_nothing(player):
    player.bet("10")
    before = player.log(), player.balance(), player.state()
    player.answer(player.request(), "refused")
    assert player.cancellation().state == "refused"
    assert (player.log(), player.balance(), player.state()) == before


@pytest.mark.parametrize("answer", ["accepted", "refused", "unknown"])
def test_the_refund_may_come_before_the_answer(player, answer):
    player.bet("10")
    attempt = player.request()
    refund = player.refund()
    assert player.cancellation().state == "refunded"
    player.answer(attempt, answer)
    closed = player.cancellation()
    assert (closed.state, closed.refund_id) == ("refunded", refund.transaction_id)
    assert closed.message == "as told", "the answer is kept all the same"


@pytest.mark.parametrize("answer", ["refused", "unknown"])
def test_asked_again_it_is_the_same_record_and_a_new_attempt(player, answer):
    player.bet("10")
    player.answer(player.request(why="first"), answer)
    assert player.cancellation().state == answer
    again = player.request(why="second")
    assert again.outcome is O.APPLIED
    assert (player.cancellation().state, player.cancellation().why, player.cancellation().attempts) == (
        "requested",
        "second",
        2,
    )
    assert player.cancellation().message is None, "the new attempt has no answer yet"
    player.answer(again, "accepted")
    assert player.cancellation().state == "accepted"


def test_asked_again_while_under_way_nobody_is_asked(player):
    player.bet("10")
    attempt = player.request()
    assert player.request() == Receipt(O.CANCELLATION_UNDER_WAY)
    player.answer(attempt, "accepted")
    assert player.request() == Receipt(O.CANCELLATION_UNDER_WAY)
    assert player.cancellation().attempts == 1


def test_what_was_awaited_in_vain_is_unknown_or_overdue_and_may_be_asked_again(player):
    player.bet("10")
    attempt = player.request(patience=0)
    assert player.cancellation().state == "unknown", "whoever asked is gone"
    player.answer(attempt, "accepted", patience=0)
    assert player.cancellation().state == "overdue"
    assert player.request().outcome is O.APPLIED
    player.refund()
    assert player.cancellation().state == "refunded"


def test_a_late_answer_does_not_speak_for_the_attempt_after_it(player):
    player.bet("10")
    first = player.request(patience=0)
    second = player.request()
    player.answer(first, "refused")
    assert player.cancellation().state == "requested"
    player.answer(second, "accepted")
    player.answer(first, "unknown")
    assert player.cancellation().state == "accepted"
    answers = player.query("SELECT answer FROM cancellation_attempts", "ORDER BY asked_at")
    assert [row.answer for row in answers] == ["unknown", "accepted"]


def test_a_refunded_round_is_not_asked_for(player):
    player.bet("10")
    refund = player.refund()
    assert player.request() == Receipt(O.REPLAYED, refund.transaction_id)
    assert player.query("SELECT * FROM cancellations") == []


def test_a_refund_that_nobody_asked_for_is_normal(player):
    player.bet("10")
    assert player.refund().outcome is O.APPLIED


def test_a_round_the_wallet_does_not_know_can_be_cancelled(player):
    player.answer(player.request("never-seen"), "accepted")
    refund = player.refund("never-seen")
    assert player.cancellation("never-seen").refund_id == refund.transaction_id


def test_a_settled_round_waits_for_the_decision_and_its_refund_closes_both(player):
    player.bet("10")
    player.result("25")
    player.answer(player.request(), "accepted", patience=0)
    assert player.refund().outcome is O.ROUND_SETTLED
    assert player.cancellation().state == "overdue"
    decided = player.decide("refund", "refund_of_settled_round")
    assert player.cancellation().refund_id == decided.transaction_id


def test_a_reference_alone_closes_the_cancellation_of_its_round(player):
    player.bet("10")
    player.answer(player.request(), "accepted")
    player.refund(None, reference="b1")
    assert player.cancellation().state == "refunded"


def test_nobody_is_asked_for_a_stranger(ledger):
    request = RequestCancellation("cancel-nobody", "r1", "g1", "test", "why", 60)
    assert ledger.apply(request).outcome is O.PLAYER_UNKNOWN


def test_an_answer_to_an_attempt_that_was_never_made_is_a_fault(player):
    made = player.request()
    answer = AnswerCancellation(f"{player.user_id}-else", made.transaction_id, "accepted", "0", "", 60)
    with pytest.raises(DBAPIError) as caught:
        player.ledger.apply(answer)
    assert isinstance(caught.value.orig, NoDataFound)


@pytest.mark.parametrize("order", [*permutations(("r1", "r2", "r3"))])
def test_a_games_open_rounds_are_one_cancellation_that_the_last_refund_closes(player, order):
    for round_id in ("r1", "r2", "r3"):
        player.bet("10", round_id=round_id, reference=round_id)
    player.bet("10", round_id="other", reference="other", game_id="g2")
    player.answer(player.request(None), "accepted")
    player.bet("10", round_id="later", reference="later")
    assert player.request(None).outcome is O.CANCELLATION_UNDER_WAY
    states = []
    for round_id in order:
        refund = player.refund(round_id)
        states.append(player.cancellation(None).state)
    assert states == ["accepted", "accepted", "refunded"]
    assert player.cancellation(None).refund_id == refund.transaction_id
    assert player.request(None).outcome is O.APPLIED, "the next time it is another cancellation"
    assert len(player.query("SELECT * FROM cancellations")) == 2


def test_a_refund_in_another_game_does_not_close_it(player):
    player.bet("10")
    player.bet("10", round_id="other", reference="other", game_id="g2")
    player.answer(player.request(None), "accepted")
    player.refund("other")
    assert player.cancellation(None).state == "accepted"


def test_a_round_that_was_settled_meanwhile_does_not_keep_it_open(player):
    for round_id in ("r1", "r2"):
        player.bet("10", round_id=round_id, reference=round_id)
    player.answer(player.request(None), "accepted")
    player.result("0", round_id="r2")
    player.refund("r1")
    assert player.cancellation(None).state == "refunded"


def test_many_people_ask_for_one_round_at_once(player):
    player.bet("10")
    receipts = race(*[player.request] * 20)
    assert Counter(receipt.outcome for receipt in receipts) == {O.APPLIED: 1, O.CANCELLATION_UNDER_WAY: 19}
    assert len(player.query("SELECT * FROM cancellation_attempts")) == 1


def test_a_request_against_the_refund_is_closed_or_finds_it(new_player):
    seen: Counter[O] = Counter()
    for _ in range(50):
        player = new_player()
        player.bet("10")
        requested, refunded = race(player.request, player.refund)
        assert refunded.outcome is O.APPLIED
        seen[requested.outcome] += 1
        if requested.outcome is O.APPLIED:
            assert player.cancellation().refund_id == refunded.transaction_id
        else:
            assert requested == Receipt(O.REPLAYED, refunded.transaction_id)
    assert seen.keys() <= {O.APPLIED, O.REPLAYED}


def test_an_answer_against_the_refund_leaves_it_refunded(new_player):
    for _ in range(50):
        player = new_player()
        player.bet("10")
        attempt = player.request()
        race(partial(player.answer, attempt, "accepted"), player.refund)
        assert player.cancellation().state == "refunded"


def test_a_refund_of_a_later_round_does_not_close_a_games_cancellation(player):
    player.bet("10")
    player.answer(player.request(None), "refused")
    player.bet("10", round_id="later", reference="later")
    player.refund("later")
    assert player.cancellation(None).state == "refused"
    player.refund("r1")
    assert player.cancellation(None).state == "refunded"


def test_a_refund_of_an_unknown_bet_closes_no_games_cancellation(player):
    player.answer(player.request(None), "accepted")
    player.refund(None, reference="never-seen")
    player.refund("never-seen")
    assert player.cancellation(None).state == "accepted"


def test_a_round_whose_bets_were_all_cancelled_does_not_keep_a_game_open(player):
    for round_id in ("r1", "r2"):
        player.bet("10", round_id=round_id, reference=round_id)
    player.answer(player.request(None), "accepted")
    player.cancel("r2", round_id="r2")
    player.refund("r1")
    assert player.cancellation(None).state == "refunded"


def test_a_round_that_is_asked_for_with_its_game_is_not_asked_for_again(player):
    player.bet("10")
    player.answer(player.request(None), "accepted")
    assert player.request("r1") == Receipt(O.CANCELLATION_UNDER_WAY)
    assert player.cancellation("r1").round_id is None, "the record is the game's"
    player.refund("r1")
    assert player.cancellation("r1").state == "refunded"


def test_a_round_is_closed_in_each_cancellation_that_it_is_among(player):
    player.bet("10")
    player.answer(player.request(None), "refused")
    player.answer(player.request("r1"), "accepted")
    refund = player.refund("r1")
    rows = player.query("SELECT state, refund_id FROM cancellations")
    assert [tuple(row) for row in rows] == [("refunded", refund.transaction_id)] * 2


def test_cancellations_are_found_by_every_filter(player, engine):
    for round_id, game_id in (("r1", "g1"), ("r2", "g2"), (None, "g1")):
        player.answer(player.request(round_id, game_id=game_id), "refused" if round_id == "r1" else "accepted")

    def found(**filters):
        with engine.connect() as connection:
            return [row.round_id for row in cancellations_of(connection, user_id=player.user_id, **filters)]

    now = datetime.now(UTC)
    assert found() == [None, "r2", "r1"], "the newest first"
    assert found(round_id="r2") == ["r2"]
    assert found(game_id="g1") == [None, "r1"]
    assert found(state="accepted") == [None, "r2"]
    assert found(limit=1) == [None]
    assert found(since=now - timedelta(minutes=5)) == [None, "r2", "r1"]
    assert found(since=now + timedelta(minutes=5)) == []


def test_stale_rounds_are_the_open_ones_that_nobody_is_asked_for(player, engine):
    for number in range(8):
        player.bet("10", round_id=f"r{number}", reference=f"b{number}", game_id=f"g{number}")
    player.result("0", round_id="r0")
    player.refund("r1")
    player.cancel("b2", round_id="r2")
    player.answer(player.request("r3", game_id="g3"), "accepted")
    player.answer(player.request("r4", game_id="g4"), "refused")
    player.answer(player.request("r5", game_id="g5"), "accepted", patience=0)
    player.answer(player.request(None, game_id="g6"), "accepted")
    player.bet("10", round_id="r8", reference="b8", game_id="g6")

    def found(**filters):
        with engine.connect() as connection:
            return [
                (row.round_id, row.state)
                for row in stale_rounds(connection, limit=1000, **filters)
                if row.user_id == player.user_id
            ]

    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert found(opened_before=soon) == [("r7", None), ("r8", None), ("r4", "refused"), ("r5", "overdue")]
    assert found(opened_before=soon, game_id="g4") == [("r4", "refused")]
    assert found(opened_before=soon, currency="EUR") == []
    assert found(opened_before=datetime.now(UTC) - timedelta(minutes=5)) == []


def test_a_difference_waits_in_the_queue_once_even_of_a_refunded_round(player):
    player.bet("10")
    player.refund()
    assert player.queue_review("status").outcome is O.APPLIED
    assert player.queue_review("status").outcome is O.REPLAYED
    assert player.decide("refund", "reconciliation", "status").outcome is O.ROUND_REFUNDED
    assert player.reviews() == [("r1", "reconciliation", "status", None)]
    assert player.decide("leave", "reconciliation", "status").outcome is O.APPLIED
    assert player.queue_review("status").outcome is O.REPLAYED, "what was decided stays decided"


def test_a_difference_in_a_currency_without_a_wallet_cannot_be_refunded(player):
    assert player.queue_review("missing_here", currency="EUR").outcome is O.APPLIED
    assert player.decide("refund", "reconciliation", "missing_here").outcome is O.WALLET_UNKNOWN
    assert player.log() == []


def test_a_refund_closes_the_difference(player):
    player.bet("10")
    player.queue_review("status")
    player.refund()
    assert player.reviews() == [("r1", "reconciliation", "status", "refunded")]
