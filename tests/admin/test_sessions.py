"""How long somebody is in, what ends it, and what a stranger may try."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.admin.conftest import PASSWORD, SECRET_KEY, Visitor
from wallet_service.admin.roles import Role
from wallet_service.admin.throttle import FAILURES_FROM_AN_ADDRESS, FAILURES_OF_A_NAME_FROM_AN_ADDRESS

HEADERS = {
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
}


@pytest.fixture
def person(accounts, owner, request):
    """Somebody new; failed logins of other tests are forgotten, as all of them have one address."""
    name = f"person {abs(hash(request.node.name))}"
    accounts.create(name, PASSWORD, Role.VIEWER, by_whom="test", why="to test")
    forget_failures(owner)
    yield name
    forget_failures(owner)


def forget_failures(owner):
    with owner.connect() as connection:
        connection.execute(text("DELETE FROM failed_logins"))


def cookie_of(visitor):
    return next(cookie for cookie in visitor.cookies.jar if cookie.name == "desk")


def is_in(visitor):
    return visitor.get("/").status_code == 200


def test_a_name_is_throttled_and_others_are_not(visitor, person, desk):
    for _ in range(FAILURES_OF_A_NAME_FROM_AN_ADDRESS):
        assert "is wrong" in visitor.log_in(person, "a wrong password").text
    for password in ("a wrong password", PASSWORD):
        answer = visitor.log_in(person, password)
        assert answer.status_code == 403
        assert "Too many logins failed" in answer.text
    assert visitor.log_in("viewer").status_code == 302


def test_an_address_is_throttled_whatever_the_name(visitor, person, owner):
    with owner.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO failed_logins (id, name_hash, address, at)"
                " SELECT gen_random_uuid(), 'guess ' || n, '127.0.0.1', now() - interval '10 minutes'"
                " FROM generate_series(1, :failures) n"
            ),
            {"failures": FAILURES_FROM_AN_ADDRESS},
        )
    assert "Too many logins failed" in visitor.log_in(person).text
    with owner.connect() as connection:
        connection.execute(text("UPDATE failed_logins SET at = at - interval '6 minutes'"))
    assert visitor.log_in(person).status_code == 302, "a quarter of an hour is enough"


def test_a_session_ends_after_half_an_hour_without_a_request(visitor, person):
    visitor.log_in(person)
    lasts = datetime.fromtimestamp(cookie_of(visitor).expires, UTC) - datetime.now(UTC)
    assert timedelta(minutes=28) < lasts < timedelta(minutes=31)


@pytest.mark.parametrize(("hours", "status"), [(11.9, 200), (12.1, 302)])
def test_a_session_ends_after_a_working_day(visitor, person, owner, hours, status):
    visitor.log_in(person)
    with owner.connect() as connection:
        connection.execute(
            text(
                "UPDATE desk_sessions SET began_at = began_at - :hours * interval '1 hour'"
                " WHERE account_id = (SELECT id FROM accounts WHERE name = :name)"
            ),
            {"hours": hours, "name": person},
        )
    assert visitor.get("/").status_code == status


def test_a_cookie_that_was_tampered_with_is_none(visitor, person):
    visitor.log_in(person)
    value = cookie_of(visitor).value
    assert is_in(visitor)
    visitor.cookies.clear()
    visitor.cookies.set("desk", value[:-2] + ("AA" if value[-2:] != "AA" else "BB"), path="/admin")
    assert not is_in(visitor)


@pytest.mark.parametrize("ending", ["everywhere", "password", "disabled", "role", "new password"])
def test_what_ends_every_session_of_an_account(desk, accounts, person, ending):
    with Visitor(desk) as one, Visitor(desk) as other, Visitor(desk) as stranger:
        assert one.log_in(person).status_code == other.log_in(person).status_code == 302
        stranger.log_in("viewer")
        if ending == "everywhere":
            one.submit("/logout-everywhere", on="/me")
        elif ending == "password":
            changed = one.submit("/me", old=PASSWORD, new="another good one", again="another good one")
            assert changed.headers["location"] == "/admin/login"
            assert one.log_in(person).status_code == 403, "the old one is good no more"
        else:
            changes: dict[str, Any] = {"disabled": {"disabled": True}, "role": {"role": Role.OPERATOR}}
            change = changes.get(ending, {"password": "another good one"})
            accounts.change(person, by_whom="test", why="to test", **change)
        assert not is_in(one)
        assert not is_in(other)
        assert is_in(stranger)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"old": "wrong password"}, "This is not your password."),
        ({"again": "something else"}, "This is another one."),
        ({"new": "short", "again": "short"}, "between 12 and 256"),
    ],
)
def test_a_password_is_changed_by_who_knows_it_alone(visitor, person, typed, said):
    visitor.log_in(person)
    answer = visitor.submit(
        "/me", **({"old": PASSWORD, "new": "another good one", "again": "another good one"} | typed)
    )
    assert answer.status_code == 422
    assert said in answer.text
    assert is_in(visitor)


@pytest.mark.parametrize(
    "to", ["//evil.test", "https://evil.test", "/\\evil.test", "\\\\evil.test", "/\t/evil.test", "x"]
)
def test_a_login_leads_to_no_other_site(visitor, person, to):
    page = f"/login?{httpx.QueryParams(next=to)}"
    token = visitor.csrf_token(page)
    answer = visitor.post(page, data={"csrf_token": token, "name": person, "password": PASSWORD})
    assert answer.headers["location"] == "/admin/"


def test_a_login_leads_back(visitor, person):
    page = "/login?next=/me"
    answer = visitor.post(page, data={"csrf_token": visitor.csrf_token(page), "name": person, "password": PASSWORD})
    assert answer.headers["location"] == "/admin/me"


@pytest.mark.parametrize(
    ("host", "secure"),
    [("desk.example.com", True), ("desk.example.com:8080", True), ("10.0.0.1", True), ("localhost:1", False)],
)
def test_the_cookie_is_for_the_desk_and_https_alone(visitor, host, secure):
    cookie = visitor.get("/login", headers={"Host": host}).headers["set-cookie"]
    assert {"HttpOnly", "Path=/admin", "SameSite=Lax"} <= set(cookie.split("; "))
    assert ("Secure" in cookie.split("; ")) is secure


@pytest.mark.parametrize("path", ["/login", "/", "/nothing", "/static/desk.css", "/accounts", "/static/nothing"])
def test_every_answer_has_the_headers(visitor, logged_in, path):
    for somebody in (visitor, logged_in(Role.VIEWER)):
        answer = somebody.get(path)
        for name, value in HEADERS.items():
            assert value in answer.headers[name], f"{name} of {path}"
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_login_as_json_says_what_it_needs(visitor):
    answer = visitor.get("/login", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    assert "password" not in json.dumps(answer.json()["form"]["fields"]).lower()


def test_a_token_has_its_role_until_it_is_revoked(visitor, logged_in, tokens):
    admin = logged_in(Role.ADMIN)
    page = admin.submit("/tokens", name="a nightly job", role="viewer", why="to count")
    (token,) = re.findall(r"wsd_[\w-]+", page.text)
    assert token not in admin.get("/tokens").text, "it is shown once"
    visitor.headers["Authorization"] = f"Bearer {token}"
    assert visitor.get("/").status_code == 200
    assert "set-cookie" not in visitor.get("/").headers, "it opens no session"
    assert visitor.get("/accounts").status_code == 403
    assert visitor.post("/logout-everywhere").status_code == 400
    row = next(row for row in tokens.all() if row.name == "a nightly job" and row.revoked_at is None)
    assert admin.submit(f"/tokens/revoke?id={row.id}", why="seen").status_code == 303
    assert visitor.get("/").status_code == 401
    visitor.headers["Accept"] = "application/json"
    assert visitor.get("/").status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer wsd_guessed", "Bearer \udc80x", "Basic dmlld2VyOng="])
def test_a_guessed_token_is_none(visitor, header):
    value = header.encode("utf-8", "surrogateescape")
    assert visitor.get("/", headers={"Authorization": value, "Accept": "application/json"}).status_code == 401


def test_passwords_and_tokens_are_kept_as_hashes_alone(engine, tokens, person):
    token = tokens.create("kept", Role.VIEWER, by_whom="test", why="to test")
    with engine.connect() as connection:
        hashed = connection.scalar(text("SELECT password_hash FROM accounts WHERE name = :name"), {"name": person})
        everything = connection.scalar(
            text("SELECT (SELECT json_agg(a) FROM accounts a)::text || (SELECT json_agg(t) FROM api_tokens t)::text")
        )
        logged = connection.scalar(text("SELECT json_agg(a)::text FROM actions a WHERE user_id = ''"))
    assert hashed.startswith("$argon2id$")
    for secret in (PASSWORD, token):
        assert secret not in everything + logged


def test_no_password_or_token_is_logged(new_service, accounts, tokens, owner):
    forget_failures(owner)
    service = new_service(WALLET_ADMIN_SECRET_KEY=SECRET_KEY, WALLET_LOG_LEVEL="DEBUG")
    token = tokens.create("logged", Role.VIEWER, by_whom="test", why="to test")
    with Visitor(service) as visitor:
        visitor.log_in("viewer")
        visitor.get("/accounts", headers={"Authorization": f"Bearer {token}"})
    with Visitor(service) as visitor:
        visitor.log_in("viewer", "a wrong password")
    service.stop()
    log = "".join(service.log)
    assert '"login"' in log
    assert '"login failed"' in log
    assert '"refused"' in log
    for secret in (PASSWORD, "a wrong password", token, SECRET_KEY):
        assert secret not in log
