"""Who is taken for the sender of a login, and what a stranger's odd input gets."""

import re

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests.admin.conftest import PASSWORD, SECRET_KEY, Visitor
from wallet_service.admin.app import create_desk
from wallet_service.admin.roles import Role
from wallet_service.admin.throttle import FAILURES_OF_A_NAME_FROM_AN_ADDRESS, ThrottledError
from wallet_service.ledger.ledger import Ledger
from wallet_service.settings import Settings


def test_one_address_that_fails_does_not_keep_another_out(accounts, logins):
    accounts.create("hunted", PASSWORD, Role.VIEWER, by_whom="test", why="to test")
    for _ in range(FAILURES_OF_A_NAME_FROM_AN_ADDRESS):
        assert logins.log_in("hunted", "a guess", "203.0.113.5") is None
    with pytest.raises(ThrottledError):
        logins.log_in("hunted", PASSWORD, "203.0.113.5")
    assert logins.log_in("hunted", PASSWORD, "203.0.113.6")


def test_behind_a_proxy_the_cookie_is_for_https_alone(visitor):
    assert "Secure" not in visitor.get("/login").headers["set-cookie"]
    visitor.cookies.clear()
    assert "Secure" in visitor.get("/login", headers={"X-Forwarded-For": "203.0.113.5"}).headers["set-cookie"]


def test_the_sender_is_who_the_trusted_proxies_say(engine, new_service, accounts):
    service = new_service(
        WALLET_LOG_LEVEL="ERROR", WALLET_ADMIN_SECRET_KEY=SECRET_KEY, WALLET_TRUSTED_PROXIES="127.0.0.0/8"
    )
    with Visitor(service) as visitor:
        page = visitor.get("/login", headers={"X-Forwarded-For": "203.0.113.7"})
        cookie = page.headers["set-cookie"].partition(";")[0]
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert token
        form = {"name": "seen-from-afar", "password": "x", "csrf_token": token[1]}
        visitor.cookies.clear()
        sent = {"X-Forwarded-For": "203.0.113.7", "Cookie": cookie}
        assert visitor.post("/login", data=form, headers=sent).status_code == 403
    with engine.connect() as connection:
        query = text("SELECT address FROM failed_logins WHERE address = '203.0.113.7'")
        assert connection.scalar(query) == "203.0.113.7"


def test_a_guessed_token_is_refused_and_not_sent_to_the_login(desk):
    answer = httpx.get(
        f"http://127.0.0.1:{desk.port}/admin/rounds",
        headers={"Authorization": "Bearer wsd_guess", "Accept": "text/html"},
    )
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_name_that_cannot_be_one_is_no_fault_of_ours(visitor):
    assert visitor.log_in("nul\x00", "x").status_code == 403


@pytest.mark.parametrize("host", ["a" * 64 + ".com", "a..b", ".a", "x" * 300], ids=len)
def test_a_host_that_is_none_is_no_fault(desk, host):
    answer = httpx.get(f"http://127.0.0.1:{desk.port}/admin/login", headers={"Host": host})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("host", ["", "[::1]:8080", "a_b", "münchen", "a b", "["])
def test_no_host_is_a_fault(desk, host):
    answer = httpx.get(f"http://127.0.0.1:{desk.port}/admin/login", headers={"Host": host.encode()})
    assert answer.status_code < 500


def test_a_fault_that_no_page_can_tell_is_told_in_plain_text(monkeypatch):
    engine = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    app = create_desk(Settings(admin_secret_key=SECRET_KEY), Ledger(engine), engine, engine)
    monkeypatch.setattr("wallet_service.admin.pages.render_template", lambda *_, **__: 1 // 0)
    answer = app.test_client().get("/login")
    assert (answer.status_code, answer.mimetype) == (500, "text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


BODIES = {
    "application/json": ['{"name":"x","password":5}', "[1]", '{"name":"\\ud800","password":"x"}', "[" * 5000, "{"],
    "multipart/form-data; boundary=b": [
        '--b\r\nContent-Disposition: form-data; name="why"; filename="x"\r\n\r\nx\r\n--b--'
    ],
    "text/plain": ["name=viewer&password=x"],
}


@pytest.mark.parametrize(("kind", "body"), [(kind, body) for kind, bodies in BODIES.items() for body in bodies])
def test_what_is_no_form_is_told_so(visitor, new_token, player, kind, body):
    headers = {"X-CSRFToken": visitor.csrf_token("/login"), "Content-Type": kind}
    answer = visitor.post("/login", content=body, headers=headers)
    assert answer.status_code == 415
    assert "<h1" in answer.text
    headers = {"Authorization": f"Bearer {new_token(Role.OPERATOR)}", "Content-Type": kind}
    answer = visitor.post(f"/freeze.json?user={player.user_id}", content=body, headers=headers)
    assert answer.status_code == 415
    assert "application/x-www-form-urlencoded" in answer.json()["text"]


def test_half_a_character_from_outside_is_shown(logged_in, player, service):
    body = {
        "userId": player.user_id,
        "providerId": "LM",
        "currency": "USD",
        "uuid": "u",
        "sessionId": "s",
        "amount": "1",
        "reference": "half",
        "roundId": "half",
        "gameId": "g",
        "gameName": "G",
        "roundDetails": "\ud800",
        "timestamp": "1760000000000",
    }
    assert service.v4_02("Bet", body).json()["error"] == 0
    page = logged_in(Role.VIEWER).get(f"/players/{player.user_id}/rounds/half")
    assert page.status_code == 200
    assert r"\ud800" in page.text


@pytest.mark.parametrize("host", ["desk.example.com", "127.0.0.1:8080"], ids=["the outer", "nginx's own, by default"])
def test_behind_a_proxy_with_tls_the_desk_works_whatever_the_host(visitor, accounts, host):
    """The proxy says for whom it asks; addresses have no host, and the cookie comes back by HTTPS."""
    outer = {"Origin": "https://desk.example.com", "Referer": "https://desk.example.com/admin/login"}
    visitor.headers.update({"Host": host, "X-Forwarded-For": "203.0.113.8", **outer})

    def by_https(answer):
        assert "Secure" in answer.headers["set-cookie"]
        visitor.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
        return re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', answer.text)

    (token,) = by_https(visitor.get("/login"))
    answer = visitor.post("/login", data={"name": "viewer", "password": PASSWORD, "csrf_token": token})
    assert answer.headers["location"] == "/admin/"
    by_https(answer)
    token = by_https(visitor.get("/"))[0]
    out = visitor.post("/logout", data={"csrf_token": token})
    assert (out.status_code, out.headers["location"]) == (302, "/admin/login")
