"""Admins manage the accounts; nobody locks themselves or everybody out."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from tests.admin.conftest import PASSWORD, Visitor
from tests.conftest import as_owner
from wallet_service.admin.accounts import Accounts, LastAdminError
from wallet_service.admin.roles import Role
from wallet_service.database import create_desk_engine
from wallet_service.schema import migrate


@pytest.fixture
def admin(logged_in):
    return logged_in(Role.ADMIN)


def state_of(accounts, name):
    return next((row.role, row.disabled_at is not None) for row in accounts.all() if row.name == name)


def test_an_account_is_opened_changed_and_closed(admin, accounts, visitor, engine):
    made = admin.submit("/accounts", name="ann lee", role="operator", password=PASSWORD, why="begins today")
    assert made.status_code == 303
    assert visitor.log_in("ann lee").status_code == 302
    for change, values, state in (
        ("role", {"role": "viewer"}, ("viewer", False)),
        ("disable", {}, ("viewer", True)),
        ("enable", {}, ("viewer", False)),
        ("password", {"password": "another good one"}, ("viewer", False)),
        ("sessions", {}, ("viewer", False)),
    ):
        sent = {"role": "admin", **values}
        assert admin.submit("/account?name=ann+lee", change=change, why="because", **sent).status_code == 303
        assert state_of(accounts, "ann lee") == state
    assert visitor.get("/").status_code == 302, "the session has ended"
    assert visitor.log_in("ann lee", "another good one").status_code == 302
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT kind, by_whom, why FROM actions WHERE reference = 'ann lee' ORDER BY at"
        ).all()
    assert [tuple(row) for row in rows] == [("account", "desk:admin", "begins today")] + [
        ("account", "desk:admin", "because")
    ] * 5


@pytest.mark.parametrize("change", [{"change": "disable"}, {"change": "role", "role": "operator"}])
def test_nobody_disables_or_demotes_themselves(admin, accounts, change):
    answer = admin.submit("/account?name=admin", why="to see", **change)
    assert answer.status_code == 422
    assert "ask another admin" in answer.text
    assert state_of(accounts, "admin") == ("admin", False)


@pytest.mark.parametrize(
    ("where", "sent"),
    [
        ("/tokens.json", {"name": "made by a script", "role": "viewer"}),
        ("/accounts.json", {"name": "made by a script", "role": "viewer", "password": PASSWORD}),
        ("/account.json?name=admin", {"change": "password", "password": PASSWORD}),
        ("/account.json?name=admin", {"change": "role", "role": "operator"}),
    ],
)
def test_a_token_opens_no_way_that_would_stay_when_it_is_revoked(visitor, accounts, tokens, new_token, where, sent):
    visitor.headers["Authorization"] = f"Bearer {new_token(Role.ADMIN)}"
    answer = visitor.post(where, data={**sent, "why": "to stay"})
    assert answer.status_code == 403
    assert "somebody has to log in" in answer.json()["text"]
    assert "made by a script" not in {row.name for row in [*accounts.all(), *tokens.all()]}
    assert state_of(accounts, "admin") == ("admin", False)


def test_a_token_sees_and_revokes_tokens(visitor, tokens, new_token):
    new_token(Role.VIEWER)
    lost = tokens.all()[0]
    visitor.headers["Authorization"] = f"Bearer {new_token(Role.ADMIN)}"
    assert str(lost.id) in {row["id"] for row in visitor.get("/tokens.json").json()["tokens"]}
    assert visitor.post(f"/tokens/revoke.json?id={lost.id}", data={"why": "it was found in a log"}).status_code == 303
    assert next(row.revoked_at for row in tokens.all() if row.id == lost.id)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "admin"}, "Another account has this name."),
        ({"name": "a:b"}, "no colon"),
        ({"name": " bob"}, "no blank at either end"),
        ({"password": "short"}, "between 12 and 256"),
        ({"why": ""}, "Say why."),
        ({"role": "king"}, "Not a valid choice"),
    ],
)
def test_what_cannot_be_an_account_is_said_at_its_field(admin, typed, said):
    sent = {"name": "bob", "role": "viewer", "password": PASSWORD, "why": "begins"} | typed
    answer = admin.submit("/accounts", **sent)
    assert answer.status_code == 422
    assert said in answer.text
    assert PASSWORD not in answer.text


def test_a_change_that_names_no_role_is_no_fault_of_ours(admin, accounts):
    accounts.create("no role", PASSWORD, Role.VIEWER, by_whom="test", why="to test")
    assert admin.submit("/account?name=no+role", change="disable", role="", why="to see").status_code == 303
    answer = admin.submit("/account?name=no+role", change="role", role="", why="to see")
    assert answer.status_code == 422
    assert "Say which role." in answer.text


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "revoked"])
def test_who_is_disabled_is_asked_about_with_the_tokens_that_they_made(desk, admin, accounts, tokens, keep):
    leaver = f"leaver {keep}"
    accounts.create(leaver, PASSWORD, Role.ADMIN, by_whom="test", why="to test")
    with Visitor(desk) as visitor:
        visitor.log_in(leaver)
        assert visitor.submit("/tokens", name=f"of {leaver}", role="viewer", why="to count").status_code == 201
    page = admin.get(f"/account?name={leaver}").text
    assert f"of {leaver}" in page
    assert re.search(r'<input[^>]*checked[^>]*name="revoke_tokens"', page), "unless somebody says otherwise"
    choice = {} if keep else {"revoke_tokens": "y"}
    assert admin.submit(f"/account?name={leaver}", change="disable", why="has left", **choice).status_code == 303
    (token,) = [row for row in tokens.all() if row.name == f"of {leaver}"]
    assert (token.revoked_at is None) == keep
    entries = admin.get("/actions.json?kind=account").json()["rows"]
    logged = [row["account"] for row in entries if row["why"] == "has left" and leaver in row["account"]]
    assert sorted(logged) == ([leaver] if keep else [leaver, f"token of {leaver}"])


def test_a_form_that_is_sent_twice_makes_one_token(admin, tokens):
    sent = {"name": "sent twice", "role": "viewer", "why": "to count"}
    assert admin.submit("/tokens", **sent).status_code == 201
    again = admin.submit("/tokens", **sent)
    assert again.status_code == 422
    assert "Another token has this name." in again.text
    (token,) = [row for row in tokens.all() if row.name == "sent twice"]
    tokens.revoke(token.id, by_whom="test", why="to test")
    assert admin.submit("/tokens", **sent).status_code == 201, "the name of a revoked one is free"


def test_two_admins_who_demote_each_other_leave_one(new_database):
    url = new_database()
    migrate(as_owner(url))
    engine = create_desk_engine(url, 4, read_only=False)
    accounts = Accounts(engine)
    for name in ("ann", "bob"):
        accounts.create(name, PASSWORD, Role.ADMIN, by_whom="test", why="to test")
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = :name")

    def demote(name):
        try:
            accounts.change(name, by_whom="test", why="to see", role=Role.VIEWER)
        except LastAdminError:
            return "last"
        return "demoted"

    with ThreadPoolExecutor(2) as pool:
        with engine.begin() as holder, engine.connect() as observer:
            holder.execute(text("SELECT FROM accounts FOR UPDATE"))
            both = [pool.submit(demote, name) for name in ("ann", "bob")]
            while observer.scalar(waiting, {"name": observer.scalar(text("SELECT current_database()"))}) < 2:
                observer.rollback()
                assert not any(one.done() for one in both)
        assert sorted(one.result(30) for one in both) == ["demoted", "last"]
    assert sorted(row.role for row in accounts.all()) == ["admin", "viewer"]
    engine.dispose()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR], ids=lambda role: role.label)
def test_what_became_of_accounts_is_for_admins_alone(admin, logged_in, accounts, player, role):
    name = f"told to admins, not to the {role.label}"
    accounts.create(name, PASSWORD, Role.VIEWER, by_whom="test", why="to test")
    player.freeze()
    (entry,) = [row for row in admin.get("/actions.json").json()["rows"] if row["account"] == name]
    assert name in admin.get("/actions.csv").text
    assert admin.get(f"/action?id={entry['id']}").status_code == 200
    other = logged_in(role)
    for path in ("/actions", "/actions.json", "/actions.csv"):
        shown = other.get(path).text
        assert name not in shown, path
        assert player.user_id in shown, "the rest is there"
    assert 'value="account"' not in other.get("/actions").text
    assert other.get("/actions.json?kind=account").json()["errors"].keys() == {"kind"}
    assert other.get(f"/action?id={entry['id']}").status_code == 404
