"""What waits is listed however old it is; and what a list shows of rows that come while somebody pages through it."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from wallet_service.admin.roles import Role


@pytest.fixture
def viewer(logged_in):
    return logged_in(Role.VIEWER)


def read(visitor, name, **filters):
    answer = visitor.get(f"/{name}.json", params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def aged(owner):
    """Make a player's records a year old, as time does; and let nobody else meet them."""
    players = []

    def age(player):
        players.append(player.user_id)
        with owner.connect() as connection:
            for table, column in (("rounds", "opened_at"), ("cancellations", "requested_at")):
                statement = f"UPDATE {table} SET {column} = {column} - interval '1 year' WHERE user_id = :user"
                connection.execute(text(statement), {"user": player.user_id})

    yield age
    with owner.connect() as connection:
        for user_id in players:
            statement = "UPDATE rounds SET opened_at = opened_at + interval '1 year' WHERE user_id = :user"
            connection.execute(text(statement), {"user": user_id})


def test_open_rounds_are_listed_however_old_they_are(viewer, player, aged):
    game = f"g-{uuid4()}"[:30]
    player.bet("10", game_id=game)
    aged(player)
    assert read(viewer, "rounds", game=game)["rows"] == [], "not of the last 24 hours"
    page = read(viewer, "rounds", game=game, state="open")
    assert [row["user_id"] for row in page["rows"]] == [player.user_id]
    assert page["window"] == {"start": None, "end": None, "is_default": False}
    assert page["errors"] == {}


def test_overdue_cancellations_are_listed_however_old_they_are(viewer, player, aged):
    game = f"g-{uuid4()}"[:30]
    player.bet("10", game_id=game)
    player.answer(player.request(), "accepted", patience=0)
    aged(player)
    page = read(viewer, "cancellations", state="overdue")
    assert [row["state"] for row in page["rows"] if row["user_id"] == player.user_id] == ["overdue"]
    assert page["window"]["start"] is None


def test_the_overview_s_tiles_go_to_the_whole_queues(viewer):
    page = viewer.get("/").text
    assert "/admin/rounds?state=open&amp;to=" in page
    assert "/admin/cancellations?state=overdue" in page


def test_a_cancellation_is_one_row_whatever_the_times_of_its_attempts(viewer, player, owner):
    player.bet("10")
    player.answer(player.request(why="first"), "refused")
    player.request(why="second")
    with owner.connect() as connection:
        statement = (
            "UPDATE cancellation_attempts AS a SET asked_at = c.asked_at FROM cancellations AS c"
            " WHERE c.user_id = a.user_id AND c.user_id = :user"
        )
        connection.execute(text(statement), {"user": player.user_id})
    found = read(viewer, "cancellations", player=player.user_id)["rows"]
    with owner.connect() as connection:  # the books are audited in the end
        statement = (
            "UPDATE cancellation_attempts SET asked_at = asked_at - interval '1 minute'"
            " WHERE user_id = :user AND answer IS NOT NULL"
        )
        connection.execute(text(statement), {"user": player.user_id})
    assert [row["why"] for row in found] == ["second"]


def test_a_row_that_is_written_late_is_on_its_page_and_no_other_one_is_lost_or_doubled(viewer, new_player, engine):
    """A round has the time at which its call began, and appears when the call commits."""
    player, late = new_player(), new_player()
    game = f"g-{uuid4()}"[:30]

    def bet(number):
        player.bet("0.01", round_id=f"r{number:02}", reference=f"b{number}", game_id=game)

    for number in range(30):
        bet(number)
    with engine.execution_options(isolation_level="READ COMMITTED").connect() as connection:
        call = text("SELECT bet(:user, :id, 'USD', 'late', :game, 'late', 1, NULL, '{}')")
        connection.execute(call, {"user": late.user_id, "id": uuid4(), "game": game})
        for number in range(30, 60):
            bet(number)
        first = read(viewer, "rounds", game=game)
        connection.commit()
    bet(60)
    second = viewer.get(first["next_url"].removeprefix("/admin"), headers={"Accept": "application/json"}).json()
    assert [row["round_id"] for row in first["rows"] + second["rows"]] == [
        f"r{number:02}" for number in reversed(range(60))
    ]
    assert second["next"] is None
    anew = [row["round_id"] for row in read(viewer, "rounds", game=game)["rows"]]
    assert anew[:33] == ["r60", *(f"r{number}" for number in reversed(range(30, 60))), "late", "r29"]
