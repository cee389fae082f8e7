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


@pytest.mark.parametrize("word", ["nobody's", "x" * 500, "a\0b", "<script>", "00000000-0000-7000-8000-000000000000"])
def test_nothing_found_says_what_can_be(viewer, word):
    answer = viewer.get("/search", params={"q": word})
    assert answer.status_code == 200
    assert "Nothing is called" in answer.text
    assert "<script>" not in answer.text.replace('<script src="', "")


def test_an_empty_search_says_what_to_type(viewer):
    assert "Type a player" in viewer.get("/search").text
