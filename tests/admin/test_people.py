"""Admins manage the accounts; nobody locks themselves or everybody out."""

import pytest

from tests.admin.conftest import PASSWORD
from wallet_service.admin.roles import Role


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


@pytest.mark.parametrize("change", [{"change": "disable"}, {"change": "role", "role": "operator"}])
def test_the_last_admin_stays_even_for_a_script(visitor, accounts, tokens, change):
    token = tokens.create(f"manager who would {change['change']}", Role.ADMIN, by_whom="test", why="to test")
    visitor.headers["Authorization"] = f"Bearer {token}"
    answer = visitor.post("/account?name=admin", data={"why": "to see", **change})
    assert answer.status_code == 422
    assert "last admin" in answer.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "admin"}, "Another account has this name."),
        ({"name": "a:b"}, "no colon"),
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
