"""Cancelling rounds at the desk, with Lucky Monaco's place taken by a real server."""

import html
import json
import re
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.admin.conftest import SECRET_KEY, Visitor
from tests.conftest import Service
from tests.stand import OK, PARTNER, SECRET, TOKEN, Stand, http, refused
from wallet_service.admin.roles import Role

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def lucky_monaco():
    stand = Stand()
    yield stand
    stand.stop()


@pytest.fixture
def stand(lucky_monaco):
    """Lucky Monaco's place, which has not heard of earlier tests."""
    lucky_monaco.asked.clear()
    lucky_monaco.answers.clear()
    return lucky_monaco


@pytest.fixture(scope="module")
def asking_desk(database_url, lucky_monaco):
    """A desk that asks the stand."""
    service = Service(
        database_url,
        WALLET_LOG_LEVEL="ERROR",
        WALLET_ADMIN_SECRET_KEY=SECRET_KEY,
        WALLET_LUCKY_MONACO_URL=lucky_monaco.url,
        WALLET_LUCKY_MONACO_TOKEN=TOKEN,
        WALLET_LUCKY_MONACO_HASH_SECRET=SECRET,
        WALLET_LUCKY_MONACO_TIMEOUT="5",
        WALLET_PARTNER_ID=PARTNER,
    )
    yield service
    service.stop()


@pytest.fixture
def visit(asking_desk, stand, accounts):
    """Log people in, by role."""
    visitors = []

    def come(role):
        visitors.append(Visitor(asking_desk))
        assert visitors[-1].log_in(role.label).status_code == 302
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.close()


@pytest.fixture
def operator(visit):
    return visit(Role.OPERATOR)


def form_of(page, **typed):
    """Return the fields of a page's form, those that are many as lists."""
    fields: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page.text):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r"""value=(?:"([^"]*)"|'([^']*)')""", tag)
        if name and 'type="hidden"' in tag:
            fields.setdefault(name[1], []).append((value[1] or value[2] or "") if value else "")
    if isinstance(fields.get("csrf_token"), list):
        fields["csrf_token"] = fields["csrf_token"][-1:]
    return fields | {name: [value] for name, value in typed.items()}


def await_end(visitor, progress):
    """Look until nothing more is awaited, as the page does, and return the data."""
    while True:
        data = visitor.get(progress, headers={"Accept": "application/json"}).json()
        if not data["awaited"]:
            return data


def path_of(answer):
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removeprefix("/admin")


def test_a_round_is_cancelled_and_the_refund_is_seen(operator, player, stand):
    player.bet("10")
    where = f"/cancel?user={player.user_id}&round=r1"
    preview = operator.get(where)
    assert "10.00" in preview.text
    assert stand.asked == [], "a preview asks nobody"
    stand.will((OK, player.refund))
    progress = path_of(operator.post(where, data=form_of(preview, why="the game hangs")))
    data = await_end(operator, progress)
    assert (data["state"], data["round"]["refunded"]) == ("refunded", "10.00")
    assert "The money is back." in operator.get(progress).text
    record = player.cancellation()
    assert (record.by_whom, record.why) == ("desk:operator", "the game hangs")
    assert stand.bodies[0]["gameId"] == "g1"
    assert [row.kind for row in player.query("SELECT kind FROM actions")] == ["cancel"]


def test_the_page_answers_while_lucky_monaco_does_not(operator, player, stand):
    player.bet("10")
    goes_on = Event()
    stand.will((goes_on.wait, OK))
    where = f"/cancel?user={player.user_id}&round=r1"
    progress = path_of(operator.post(where, data=form_of(operator.get(where), why="stuck")))
    assert operator.get(progress, headers={"Accept": "application/json"}).json()["state"] == "requested"
    assert "Lucky Monaco is being asked." in operator.get(progress).text
    goes_on.set()


def test_a_form_that_is_sent_twice_asks_once(operator, player, stand):
    player.bet("10")
    where = f"/cancel?user={player.user_id}&round=r1"
    form = form_of(operator.get(where), why="stuck")
    stand.will(http(200, refused("G.01")), http(200, refused("G.01")))
    places = set()
    for _ in range(2):
        places.add(path_of(operator.post(where, data=form)))
        data = await_end(operator, max(places))
        assert data["state"] == "refused"
    assert len(places) == 1, "the same result"
    assert len(stand.asked) == 1
    assert "Ask again" in operator.get(max(places)).text
    assert path_of(operator.post(where, data=form_of(operator.get(where), why="once more"))) in places
    assert await_end(operator, max(places))["cancellation"]["attempts"] == 2, "a new form asks again"


def test_a_round_that_changed_since_it_was_shown_is_not_asked_for(operator, player, stand):
    player.bet("10")
    where = f"/cancel?user={player.user_id}&round=r1"
    form = form_of(operator.get(where), why="stuck")
    player.result("15")
    answer = operator.post(where, data=form)
    assert answer.status_code == 409
    assert "what you saw has changed" in answer.text
    assert "15.00" in answer.text
    garbage = form_of(answer, why="stuck", seen="garbage")
    assert operator.post(where, data=garbage).status_code == 409
    assert stand.asked == []
    stand.will(http(200, refused("G.01")))
    progress = path_of(operator.post(where, data=form_of(answer, why="stuck")))
    assert await_end(operator, progress)["state"] == "refused", "the form of now asks"


@pytest.mark.parametrize("missing", ["seen", "figures"])
def test_a_round_is_not_asked_for_without_what_the_form_was_made_from(operator, player, stand, missing):
    player.bet("10")
    where = f"/cancel.json?user={player.user_id}&round=r1"
    form = form_of(operator.get(where.replace(".json", "")), why="stuck")
    del form[missing]
    answer = operator.post(where, data=form)
    assert (answer.status_code, answer.json()["form"]["errors"].keys()) == (422, {missing})
    assert stand.asked == []


@pytest.mark.parametrize("missing", ["seen", "key"])
def test_a_selection_is_not_asked_for_without_what_its_preview_says(operator, player, stand, missing):
    player.bet("10")
    data = {"csrf_token": operator.csrf_token("/")} | chosen(player)
    form = form_of(operator.post("/cancel-selection", data=data), why="an outage")
    del form[missing]
    answer = operator.post("/cancel-selection.json", data=form)
    assert (answer.status_code, answer.json()["form"]["errors"].keys()) == (422, {missing})
    assert stand.asked == []


def test_a_viewer_sees_how_it_goes_and_may_not_ask(visit, player, stand):
    player.bet("10")
    player.request()
    viewer = visit(Role.VIEWER)
    page = viewer.get(f"/cancel/progress?user={player.user_id}&round=r1")
    assert page.status_code == 200
    assert "Ask again" not in page.text
    assert viewer.get(f"/cancel?user={player.user_id}&round=r1").status_code == 403
    assert viewer.post("/cancel-selection", data=form_of(page)).status_code == 403
    assert stand.asked == []


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (lambda _player: None, "no bet in this round"),
        (lambda player: player.bet("1") and player.result("0"), "may wait in the review queue"),
        (lambda player: player.bet("1") and player.cancel(), "no stake to return"),
        (lambda player: player.bet("1") and player.refund(), "refunded already"),
        (lambda player: player.bet("1") and player.request(), "asked for already by test"),
    ],
)
def test_what_is_unusual_is_said_beforehand(operator, player, play, said):
    play(player)
    assert said in operator.get(f"/cancel?user={player.user_id}&round=r1").text


def test_a_settled_rounds_refund_waits_and_the_way_to_decide_is_shown(operator, player, stand):
    player.bet("10")
    player.result("15")
    where = f"/cancel?user={player.user_id}&round=r1"
    stand.will((OK, player.refund))
    progress = path_of(operator.post(where, data=form_of(operator.get(where), why="stuck")))
    data = await_end(operator, progress)
    assert [review["reason"] for review in data["reviews"]] == ["refund_of_settled_round"]
    assert "/admin/decide?" in operator.get(progress).text


def test_without_settings_nobody_can_be_asked(logged_in, player):
    player.bet("10")
    page = logged_in(Role.OPERATOR).get(f"/cancel?user={player.user_id}&round=r1")
    assert "WALLET_LUCKY_MONACO_URL" in page.text
    assert 'name="why"' not in page.text, "there is no form"


def chosen(*players, rounds=("r1",)):
    return {"round": [json.dumps([player.user_id, round_id]) for player in players for round_id in rounds]}


def test_a_selection_is_cancelled_once_round_after_round(operator, player, new_player, stand):
    euros = new_player("50", "EUR")
    player.bet("10")
    player.bet("5", round_id="r2", reference="b2")
    euros.bet("7", currency="EUR")
    done = new_player()
    done.bet("1")
    done.refund()
    keys = chosen(player, rounds=("r1", "r2", "nowhere"))["round"] + chosen(euros, done)["round"] + ["{", "[1]"]
    csrf_token = operator.csrf_token("/")
    preview = operator.post("/cancel-selection", data={"csrf_token": csrf_token, "round": keys})
    for words in ("Cancel 3 rounds", "15.00", "7.00", "unknown to the wallet", "refunded or cancelled already"):
        assert words in preview.text
    assert stand.asked == []
    stand.will(
        (OK, player.refund),
        (OK, lambda: player.refund("r2", reference="f2")),
        (OK, lambda: euros.refund(currency="EUR")),
    )
    form = form_of(preview, why="an outage")
    places = {path_of(operator.post("/cancel-selection", data=form)) for _ in range(2)}
    assert len(places) == 1, "the same result"
    data = await_end(operator, places.pop())
    assert (data["counts"], data["total"], data["asked"]) == ({"refunded": 3}, 3, 3)
    assert len(stand.asked) == 3
    assert player.cancellation("r2").why == "an outage"


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        (lambda player: player.result("4"), "1 settled or ended"),
        (lambda player: player.bet("2", reference="b3"), "17.00"),
        (lambda player: player.refund(), "refunded or cancelled already"),
    ],
)
def test_a_selection_that_changed_since_its_preview_asks_for_nothing(operator, player, stand, happens, says):
    player.bet("10")
    player.bet("5", round_id="r2", reference="b2")
    data = {"csrf_token": operator.csrf_token("/")} | chosen(player, rounds=("r1", "r2"))
    form = form_of(operator.post("/cancel-selection", data=data), why="an outage")
    happens(player)
    answer = operator.post("/cancel-selection", data=form)
    assert answer.status_code == 409
    assert "what you saw has changed" in answer.text
    assert says in answer.text
    told = operator.post("/cancel-selection.json", data=form)
    assert told.status_code == 409
    assert told.json()["rounds"]
    assert operator.post("/cancel-selection", data=form_of(answer, why="x", seen="\x00")).status_code == 409
    assert stand.asked == []
    again = form_of(answer, why="an outage")
    stand.will(*[http(200, refused("G.01"))] * 2)
    progress = path_of(operator.post("/cancel-selection", data=again))
    assert await_end(operator, progress)["counts"].keys() == {"refused"}, "the form of now asks"


def test_a_selection_that_stopped_goes_on(visit, operator, player, stand, owner):
    player.bet("10")
    player.bet("5", round_id="r2", reference="b2")
    # The server died after the first of them, an hour ago: nobody asks for the second one.
    selection = "00000000-0000-4000-8000-" + player.user_id.partition("-")[2].replace("-", "").zfill(12)[:12]
    with owner.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO actions (user_id, id, kind, reference, by_whom, why, at, after)"
            " VALUES ('', %s, 'cancel', '2 rounds', 'desk:operator', 'an outage', now() - interval '1 hour', %s)",
            (selection, json.dumps({"rounds": [[player.user_id, "r1"], [player.user_id, "r2"]]})),
        )
    player.refund()
    page = operator.get(f"/cancel-selection/progress?id={selection}")
    assert "Go on with them" in page.text
    assert "Go on with them" not in visit(Role.VIEWER).get(f"/cancel-selection/progress?id={selection}").text
    preview = operator.post("/cancel-selection", data=form_of(page))
    assert "Cancel 1 round" in preview.text
    stand.will((OK, lambda: player.refund("r2", reference="f2")))
    progress = path_of(operator.post("/cancel-selection", data=form_of(preview, why="go on")))
    assert await_end(operator, progress)["counts"] == {"refunded": 1}


def test_all_open_rounds_that_fit_are_cancelled_together(operator, player, stand):
    player.bet("10")
    player.bet("5", round_id="r2", reference="b2")
    player.bet("1", round_id="dear", reference="b3", game_id="g2")
    fields = {"csrf_token": operator.csrf_token("/"), "fitting": f"player={player.user_id}&game=g1"}
    preview = operator.post("/cancel-selection", data=fields)
    stand.will((OK, lambda: player.refund("r2", reference="f2")), (OK, player.refund))
    progress = path_of(operator.post("/cancel-selection", data=form_of(preview, why="an outage")))
    assert await_end(operator, progress)["counts"] == {"refunded": 2}
    assert player.state("dear") == "open"


def test_a_script_cancels_what_fits_as_the_readme_says(asking_desk, new_token, player, stand):
    player.bet("10")
    recipe = README.read_text().partition("A script posts the `fitting`")[2].partition(".\n")[0]
    address, of_the_form = re.findall(r"`(/\S+\.json)`", recipe)[-1], recipe.partition("a reason `why`, and the ")[2]
    stand.will((OK, player.refund))
    headers = {"Authorization": f"Bearer {new_token(Role.OPERATOR)}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{asking_desk.port}", headers=headers) as script:
        rounds = script.get("/admin/rounds.json", params={"player": player.user_id}).json()
        preview = script.post(address, data={"fitting": rounds["fitting"]}).json()
        named = [json.dumps([row["user_id"], row["round_id"]]) for row in preview["rounds"]]
        form = {name: preview["form"]["fields"][name] for name in re.findall("`([a-z]+)`", of_the_form)}
        done = script.post(address, data={"round": named, "confirmed": "yes", "why": "an outage", **form})
        assert done.status_code == 303, done.text
        while script.get(done.headers["location"]).json()["awaited"]:
            pass
    assert player.state() == "refunded"


def test_more_than_a_thousand_rounds_are_refused(operator, player):
    keys = [json.dumps([player.user_id, f"r{number}"]) for number in range(1001)]
    answer = operator.post("/cancel-selection", data={"csrf_token": operator.csrf_token("/"), "round": keys})
    assert answer.status_code == 422
    assert "1001 rounds are chosen; at most 1000" in answer.text


def test_an_empty_selection_says_what_to_do(operator):
    assert "No round is chosen" in operator.get("/cancel-selection").text


ODD_NAMES = ["a\u202eb", "a\u00a0b", "a\u200bb", "\ue0005", "a\u2028b"]


@pytest.mark.parametrize("round_id", ODD_NAMES)
def test_a_round_is_found_shown_and_cancelled_whatever_name_the_wallet_took(operator, player, stand, round_id):
    player.bet("1", round_id=round_id)
    found = operator.get("/search", params={"q": round_id}, follow_redirects=True)
    assert f"<bdi>{round_id}</bdi>" in found.text, "it changes the direction of nothing else"
    listed = operator.get("/rounds.json", params={"round": round_id, "player": player.user_id}).json()
    assert [row["round_id"] for row in listed["rows"]] == [round_id]
    (link,) = map(html.unescape, re.findall(r'href="/admin(/cancel\?[^"]*)"', found.text))
    stand.will((OK, lambda: player.refund(round_id)))
    progress = path_of(operator.post(link, data=form_of(operator.get(link), why="stuck")))
    assert await_end(operator, progress)["state"] == "refunded"
    assert stand.bodies[0]["roundId"] == round_id


def test_one_odd_name_keeps_nobody_from_cancelling_all_that_fit(operator, player, stand):
    player.bet("1", round_id="plain")
    player.bet("1", round_id=ODD_NAMES[0], reference="b2")
    data = {"csrf_token": operator.csrf_token("/"), "fitting": f"player={player.user_id}"}
    preview = operator.post("/cancel-selection", data=data)
    stand.will(*[http(200, refused("G.01"))] * 2)
    form = {name: [html.unescape(value) for value in values] for name, values in form_of(preview, why="x").items()}
    progress = path_of(operator.post("/cancel-selection", data=form))
    assert await_end(operator, progress)["counts"] == {"refused": 2}


def test_what_cannot_be_asked_for_is_counted(operator, player, stand):
    player.bet("1")
    player.bet("1", round_id="of no game", reference="b2", game_id="")
    values = chosen(player, rounds=("r1", "of no game", "nul\0"))["round"] + ["{"]
    data = {"csrf_token": operator.csrf_token("/"), "round": values}
    told = operator.post("/cancel-selection.json", data=data).json()
    assert [the_round["round_id"] for the_round in told["rounds"]] == ["r1"]
    assert told["chosen"] == 4
    (cannot,) = [reason for reason in told["left_out"] if reason.startswith("Lucky Monaco cannot be asked: gameId")]
    assert told["left_out"] == {cannot: 1, "no name of a round": 2}
