"""Where pages and their data are, whatever the names in the address look like."""

import re
from decimal import Decimal
from html import unescape
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.admin.conftest import SECRET_KEY
from tests.conftest import Player, free_port
from wallet_service.admin.roles import Role
from wallet_service.ledger.calls import OpenWallet


@pytest.fixture
def viewer(logged_in):
    return logged_in(Role.VIEWER)


@pytest.fixture
def script(desk, new_token):
    """A script that says nothing about what it accepts."""
    token = new_token(Role.VIEWER)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{desk.port}", headers=headers) as script:
        yield script


def test_a_script_follows_the_pages_of_a_list_by_their_address_alone(script, player):
    for number in range(120):
        player.bet("0.01", round_id=f"r{number:03}", reference=f"b{number}")
    page, seen = script.get(f"/admin/rounds.json?player={player.user_id}").json(), []
    while True:
        seen += [row["round_id"] for row in page["rows"]]
        if not page["next_url"]:
            break
        page = script.get(page["next_url"]).json()
    assert seen == [f"r{number:03}" for number in reversed(range(120))]
    assert script.get(page["csv_url"]).text.count("\r\n") == 121


def test_the_next_page_of_a_page_is_a_page(viewer, player):
    for number in range(51):
        player.bet("0.01", round_id=f"r{number}", reference=f"b{number}")
    assert "/admin/rounds?" in viewer.get("/rounds", params={"player": player.user_id}).text


@pytest.mark.parametrize("ending", ["", ".json", ".html", ".json.html", ".json.json", ".csv"])
def test_a_name_may_end_as_an_address_does(viewer, ledger, engine, ending):
    shortest = f"p{uuid4().hex[:12]}"
    players = [Player(shortest + more, ledger, engine) for more in dict.fromkeys(("", ending))]
    for player in players:
        ledger.apply(OpenWallet(player.user_id, "USD", Decimal(100)))
        player.bet("1", round_id=f"a/{shortest}{ending}")
        if ending:
            player.bet("2", round_id=f"a/{shortest}", reference="b2")
    named = players[-1]
    [row] = viewer.get("/rounds.json", params={"player": named.user_id, "round": f"a/{shortest}{ending}"}).json()[
        "rows"
    ]
    listed = viewer.get("/rounds", params={"player": named.user_id, "round": row["round_id"]}).text
    suffix = ".html" if ending.endswith((".json", ".html")) else ""
    for link, heading in (
        (f"/players/{named.user_id}", named.user_id),
        (f"/players/{named.user_id}/rounds/{row['round_id'].replace('/', '~2F')}", row["round_id"]),
    ):
        assert f'href="/admin{link}{suffix}"' in listed
        page = viewer.get(f"{link}{suffix}")
        assert page.headers["content-type"].startswith("text/html")
        assert heading in page.text
        data = viewer.get(f"{link}.json").json()
        assert data["user_id"] == named.user_id
        assert data.get("round_id", row["round_id"]) == row["round_id"]


SIGNS = st.sampled_from(
    ["/", "~", "%", ".", "..", ".json", ".html", ".csv", "~2F", "~7E", "%2F", "?", "#", " ", "\\", ":"]
)
NAMES = st.lists(st.one_of(SIGNS, st.characters(exclude_categories=("C", "Z"))), min_size=1, max_size=12).map("".join)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])  # the viewer only looks
@example(user_id="..", round_id=".")
@example(user_id="site/1", round_id="/a//b/../c")
@example(user_id="~2F", round_id="~")
@example(user_id="'", round_id="&amp;")
@example(user_id="a/rounds/b.json", round_id=".json.html")
@given(user_id=NAMES.filter(lambda name: 1 <= len(name) <= 32), round_id=NAMES.filter(lambda name: len(name) <= 32))
def test_any_name_has_pages_and_every_link_leads_to_them(viewer, ledger, engine, user_id, round_id):
    assume(user_id.strip() == user_id and round_id.strip() == round_id)  # the search takes blanks around a name away
    player = Player(user_id, ledger, engine)
    ledger.apply(OpenWallet(user_id, "USD", Decimal(100)))
    reference = f"{uuid4()}"
    player.bet("1", round_id=round_id, reference=reference)
    [row] = viewer.get("/transactions.json", params={"player": user_id, "reference": reference}).json()["rows"]
    listed = viewer.get("/transactions", params={"player": user_id, "reference": reference}).text
    links = [link for link in re.findall('href="([^"]+)"', listed) if link.startswith("/admin/players/")]
    assert len(links) == 3, "the player's page, the round's and the transaction's"
    for link, known in zip(links, ({"user_id": user_id}, {"round_id": round_id}, {}), strict=True):
        assert not re.search(r"/\.{1,2}(/|$)", link), "a browser would leave it out"
        page = viewer.get(unescape(link).removeprefix("/admin"))
        assert page.status_code == 200, link
        assert page.headers["content-type"].startswith("text/html")
        told = viewer.get(unescape(link).removeprefix("/admin").removesuffix(".html") + ".json").json()
        assert told.get("transaction", told)["user_id"] == user_id
        assert told | known == told
    found = viewer.get("/search.json", params={"q": user_id}).json()["candidates"]
    assert unescape(links[0]) in [candidate["url"] for candidate in found]
    assert row["id"] in links[2]


def test_the_bare_address_goes_to_the_overview(desk, new_service):
    port = free_port()
    new_service(WALLET_ADMIN_SECRET_KEY=SECRET_KEY, WALLET_ADMIN_PORT=str(port), WALLET_LOG_LEVEL="ERROR")
    for of in (desk.port, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{of}", follow_redirects=True) as visitor:
            answer = visitor.get("/admin")
            assert answer.status_code == 200
            assert answer.url.path == "/admin/login"
            assert answer.url.params["next"] == "/"
