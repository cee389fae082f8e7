"""Choosing all open rounds that fit a list's filters."""

import html
import re
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
import pytest

from tests.conftest import as_reader
from wallet_service.admin.fitting import UnfitError, rounds_that_fit
from wallet_service.admin.roles import Role
from wallet_service.database import create_desk_engine


@pytest.fixture
def operator(logged_in):
    return logged_in(Role.OPERATOR)


@pytest.fixture
def game():
    return f"g-{uuid4()}"[:30]


@pytest.fixture
def reads(database_url):
    engine = create_desk_engine(as_reader(database_url), 1, read_only=True)
    yield engine
    engine.dispose()


def fitting_on(page):
    """Return what the page's button sends; ``None`` where it has none."""
    found = re.search(r'name="fitting" value="([^"]*)"', page.text)
    return html.unescape(found[1]) if found else None


def choose(visitor, fitting, **fields):
    csrf_token = visitor.csrf_token("/")
    headers = {"Accept": "application/json"}
    return visitor.post(
        "/cancel-selection", data={"csrf_token": csrf_token, "fitting": fitting} | fields, headers=headers
    )


def names(answer):
    return [the_round["round_id"] for the_round in answer.json()["rounds"]]


def test_the_button_chooses_the_open_rounds_of_the_page_s_filters_and_window(operator, player, game):
    for number in range(60):  # more than a page
        player.bet("0.01", round_id=f"r{number}", reference=f"b{number}", game_id=game)
    player.bet("1", round_id="elsewhere", reference="e")
    player.result("0", round_id="r7")
    page = operator.get("/rounds", params={"game": game})
    assert "Cancel all open rounds that fit" in page.text
    sent = fitting_on(page)
    player.bet("1", round_id="later", reference="later", game_id=game)
    answer = choose(operator, sent)
    assert answer.status_code == 200
    assert names(answer) == [f"r{number}" for number in reversed(range(60)) if number != 7]
    assert {"from", "to", "game"} == parse_qs(sent).keys(), "the window that applied although nobody typed it"
    assert operator.get("/rounds.json", params={"game": game}).json()["fitting"].startswith("game=")


def test_the_preview_names_the_rounds_and_asks_for_the_reason(operator, player, game):
    player.bet("12", game_id=game)
    csrf_token = operator.csrf_token("/")
    page = operator.post("/cancel-selection", data={"csrf_token": csrf_token, "fitting": f"game={game}"})
    assert page.status_code == 200
    assert "Cancel 1 round" in page.text
    assert "12.00" in page.text


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("state=settled", "Only open rounds"),
        ("state=lost", "state: Must be one of"),
        ("game=g1&from=yesterday", "from: Must be a time"),
        ("gaem=g1", "gaem: There is no such filter"),
        ("&".join(f"f{number}=1" for number in range(60)), "These are no filters"),
        ("player=%00", "player: Must be at most"),
    ],
)
def test_what_cannot_choose_is_told_and_nothing_is_chosen(operator, player, sent, said):
    player.bet("1")
    answer = choose(operator, sent)
    assert answer.status_code == 422
    assert said in answer.json()["unfit"]
    assert names(answer) == []
    page = operator.post("/cancel-selection", data={"csrf_token": operator.csrf_token("/"), "fitting": sent})
    assert "Nothing is chosen. Go back and change the filter." in page.text


def test_where_nothing_fits_the_page_says_so(operator, game):
    data = {"csrf_token": operator.csrf_token("/"), "fitting": f"game={game}"}
    answer = operator.post("/cancel-selection", data=data)
    assert answer.status_code == 200
    assert "No open round fits the filter." in answer.text


def test_more_than_can_be_cancelled_together_are_not_chosen(player, reads):
    for number in range(4):
        player.bet("1", round_id=f"r{number}", reference=f"b{number}")
    player.cancel("b1", round_id="r1")  # nothing of it is in play
    with reads.connect() as connection:
        assert len(rounds_that_fit(connection, f"player={player.user_id}", 3)) == 3
        with pytest.raises(UnfitError, match="More than 2 open rounds fit"):
            rounds_that_fit(connection, f"player={player.user_id}", 2)


def test_a_search_among_too_many_rounds_is_given_up_and_said(player, reads, monkeypatch):
    monkeypatch.setattr("wallet_service.admin.listing.MAX_SCANNED", 2)
    for number in range(3):
        player.bet("1", round_id=f"r{number}", reference=f"b{number}")
    with reads.connect() as connection, pytest.raises(UnfitError, match="too many open rounds to look at"):
        rounds_that_fit(connection, f"player={player.user_id}&game=none", 10)


def test_without_filters_the_window_of_the_list_applies(operator, player, game, owner):
    player.bet("1", game_id=game)
    shift = "UPDATE rounds SET opened_at = opened_at {} interval '2 days' WHERE user_id = %s"
    with owner.connect() as connection:
        connection.exec_driver_sql(shift.format("-"), (player.user_id,))
    assert names(choose(operator, f"game={game}")) == []
    assert names(choose(operator, f"game={game}&state=open")) == ["r1"], "the queue has no window"
    with owner.connect() as connection:
        connection.exec_driver_sql(shift.format("+"), (player.user_id,))


def test_the_button_is_there_only_where_it_can_choose(operator, logged_in, player):
    player.bet("1")
    me = {"player": player.user_id}
    assert fitting_on(operator.get("/rounds", params=me | {"state": "open"}))
    assert fitting_on(operator.get("/rounds", params=me | {"state": "settled"})) is None
    assert fitting_on(operator.get("/rounds", params=me | {"least": "much"})) is None
    assert fitting_on(operator.get("/transactions", params=me)) is None
    assert fitting_on(logged_in(Role.VIEWER).get("/rounds", params=me)) is None


def test_what_is_confirmed_is_what_was_shown(operator, player):
    player.bet("1")
    answer = choose(operator, f"player={player.user_id}", confirmed="yes", why="at once")
    assert (answer.status_code, names(answer)) == (422, []), "no rounds were named"


def test_a_script_chooses_with_its_token(desk, new_token, player):
    player.bet("1")
    token = new_token(Role.OPERATOR)
    with httpx.Client(
        base_url=f"http://127.0.0.1:{desk.port}/admin", headers={"Authorization": f"Bearer {token}"}
    ) as script:
        listed = script.get("/rounds.json", params={"player": player.user_id}).json()
        answer = script.post("/cancel-selection.json", data={"fitting": listed["fitting"]})
    assert names(answer) == ["r1"]
    assert answer.json()["form"]["fields"]["key"]
