"""The action log as a list: whose account an entry is about, and a selection's many rounds in short."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import text

from wallet_service.admin import action_reads
from wallet_service.admin.roles import Role


@pytest.fixture
def viewer(logged_in):
    return logged_in(Role.VIEWER)


def test_an_entry_about_an_account_names_it(logged_in, accounts):
    admin = logged_in(Role.ADMIN)
    name = f"bob-{uuid4()}"[:20]
    accounts.create(name, "a password for bob", Role.VIEWER, by_whom="test", why="bob is new")
    [entry] = [row for row in admin.get("/actions.json?kind=account").json()["rows"] if row["account"] == name]
    assert (entry["user_id"], entry["reference"]) == ("", None)
    page = admin.get("/actions?kind=account").text
    assert f'<td class="id">{name}</td>' in page


def test_an_entry_about_a_player_has_its_reference(viewer, player):
    player.adjust("credit", "5", reference="a1")
    [entry] = viewer.get("/actions.json", params={"player": player.user_id}).json()["rows"]
    assert (entry["user_id"], entry["reference"]) == (player.user_id, "a1")


def test_balances_are_written_as_money_on_the_page_as_json_and_in_the_file(viewer, player):
    player.adjust("credit", "1.50")
    me = {"player": player.user_id, "kind": "credit"}
    [entry] = viewer.get("/actions.json", params=me).json()["rows"]
    assert (entry["before"]["balance"], entry["after"]["balance"]) == ("100.00", "101.50")
    one = {"user": player.user_id, "id": entry["id"]}
    assert viewer.get("/action.json", params=one).json()["action"]["after"]["balance"] == "101.50"
    page = viewer.get("/actions", params=me).text
    assert "balance 101.50" in page
    for text_of in (page, viewer.get("/action", params=one).text, viewer.get("/actions.csv", params=me).text):
        assert "101.50" in text_of
        assert "101.500" not in text_of


def test_an_entry_s_time_leads_to_its_page_and_its_id_is_for_scripts(viewer, player):
    player.freeze()
    [entry] = viewer.get("/actions.json", params={"player": player.user_id}).json()["rows"]
    page = viewer.get("/actions", params={"player": player.user_id}).text
    assert f'href="/admin/action?user={player.user_id}&amp;id={entry["id"]}"' in page
    assert f">{entry['id']}<" not in page
    assert page.index(">Why<") < page.index(">Before<")


def test_a_cancellation_s_game_is_called_one(viewer, player):
    player.bet("1", game_id="vs20lucky")
    player.request(game_id="vs20lucky")
    [entry] = viewer.get("/actions.json", params={"player": player.user_id}).json()["rows"]
    assert (entry["game_id"], entry["reference"]) == ("vs20lucky", None)
    page = viewer.get("/action", params={"user": player.user_id, "id": entry["id"]}).text
    assert '<dt>Game</dt><dd class="id">vs20lucky</dd>' in page


def test_the_rounds_of_a_selection_are_told_in_short(viewer, owner):
    by_whom = f"desk:{uuid4()}"
    rounds = [["u", f"r{number}"] for number in range(900)]
    with owner.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO actions (user_id, id, kind, reference, by_whom, why, at, after)"
                " VALUES ('', :id, 'cancel', '900 rounds', :by, 'an outage', now(), :after)"
            ),
            {"id": uuid4(), "by": by_whom, "after": json.dumps({"rounds": rounds})},
        )
    page = viewer.get("/actions", params={"by": by_whom}).text
    assert "rounds 900: u r0, u r1, u r2 …" in page
    assert "r3" not in page
    assert viewer.get("/actions.json", params={"by": by_whom}).json()["rows"][0]["after"] == {"rounds": rounds}


def test_a_player_s_changes_are_read_up_to_a_bound_the_latest_ones(player, engine, monkeypatch):
    for _ in range(2):
        player.freeze()
        player.unfreeze()
    monkeypatch.setattr(action_reads, "MOST_ACTIONS", 3)
    with engine.connect() as connection:
        changes = action_reads.state_changes_of(connection, player.user_id)
    assert [change.kind for change in changes] == ["unfreeze", "freeze", "unfreeze"]
