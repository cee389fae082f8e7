"""The search: one box that goes to the thing itself."""

import pytest

from wallet_service.admin.roles import Role


@pytest.fixture
def viewer(logged_in):
    return logged_in(Role.VIEWER)


def test_the_box_is_on_every_page(viewer):
    for page in ("/", "/rounds", "/search"):
        assert 'id="search" name="q"' in viewer.get(page).text


def test_a_player_is_gone_to(viewer, player):
    answer = viewer.get("/search", params={"q": f" {player.user_id} "})
    assert (answer.status_code, answer.headers["location"]) == (302, f"/admin/players/{player.user_id}")


def test_a_round_is_gone_to(viewer, player):
    name = f"only-{player.user_id}"
    player.bet("10", round_id=name)
    answer = viewer.get("/search", params={"q": name})
    assert answer.headers["location"] == f"/admin/players/{player.user_id}/rounds/{name}"


def test_a_transaction_and_its_reference_are_gone_to(viewer, player):
    reference = f"ref-{player.user_id}"
    bet = player.bet("10", reference=reference)
    page = f"/admin/players/{player.user_id}/transactions/{bet.transaction_id}"
    assert viewer.get("/search", params={"q": str(bet.transaction_id)}).headers["location"] == page
    assert viewer.get("/search", params={"q": reference}).headers["location"] == page


def test_several_that_may_be_meant_are_shown(viewer, new_player):
    players = [new_player(), new_player()]
    name = f"table-{players[0].user_id}"
    for player in players:
        player.bet("10", round_id=name, reference=name)
    answer = viewer.get("/search", params={"q": name})
    assert answer.status_code == 200
    for player in players:
        assert f"/admin/players/{player.user_id}/rounds/{name}" in answer.text
    found = viewer.get("/search.json", params={"q": name}).json()["candidates"]
    assert sorted((item["found"]["what"], item["found"]["user_id"]) for item in found) == sorted(
        (what, player.user_id) for player in players for what in ("round", "reference")
    )


def test_a_refused_call_is_found_by_its_reference_and_by_its_round(viewer, player):
    name = f"only-{player.user_id}"[:36]
    player.bet("1000000", round_id=name, reference=f"no-{player.user_id}")
    page = f"/admin/players/{player.user_id}/rounds/{name}"
    for word in (name, f"no-{player.user_id}"):
        assert viewer.get("/search", params={"q": word}).headers["location"] == page
    assert viewer.get(page.removeprefix("/admin")).status_code == 200


def test_what_was_refused_in_no_round_is_found_at_its_player(viewer, player):
    player.win("promo_win", "5", currency="EUR", reference=f"promo-{player.user_id}")
    answer = viewer.get("/search", params={"q": f"promo-{player.user_id}"})
    assert answer.headers["location"] == f"/admin/players/{player.user_id}"


def test_a_round_that_only_a_cancellation_or_a_review_knows_is_found(viewer, player):
    asked, reviewed = f"asked-{player.user_id}", f"seen-{player.user_id}"
    player.request(asked)
    player.queue_review(f"about-{player.user_id}", round_id=reviewed)
    for word, name in ((asked, asked), (reviewed, reviewed), (f"about-{player.user_id}", reviewed)):
        answer = viewer.get("/search", params={"q": word})
        assert answer.headers["location"] == f"/admin/players/{player.user_id}/rounds/{name}"


def test_a_word_that_names_a_payment_and_a_refusal_asks_which_was_meant(viewer, player):
    reference = f"twice-{player.user_id}"
    player.bet("1", round_id="paid", reference=reference)
    player.bet("2", round_id="refused", reference=reference)
    answer = viewer.get("/search", params={"q": reference})
    assert "with a bet that was refused" in answer.text
    assert f"/admin/players/{player.user_id}/rounds/refused" in answer.text


@pytest.mark.parametrize("word", ["nobody's", "x" * 500, "a\0b", "<script>", "00000000-0000-7000-8000-000000000000"])
def test_nothing_found_says_what_can_be(viewer, word):
    answer = viewer.get("/search", params={"q": word})
    assert answer.status_code == 200
    assert "Nothing is called" in answer.text
    assert "<script>" not in answer.text.replace('<script src="', "")


def test_an_empty_search_says_what_to_type(viewer):
    assert "Type a player" in viewer.get("/search").text
