"""Logging in while many others do: what is counted, what waits, and what is kept of it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Barrier

import pytest
from sqlalchemy import text

from tests.admin.conftest import PASSWORD, SECRET_KEY, Visitor
from wallet_service.admin import passwords
from wallet_service.admin.app import create_desk
from wallet_service.admin.logins import Logins
from wallet_service.admin.passwords import BusyError
from wallet_service.admin.roles import Role
from wallet_service.admin.throttle import FAILURES_OF_A_NAME_FROM_AN_ADDRESS, ThrottledError
from wallet_service.database import create_desk_engine
from wallet_service.ledger.ledger import Ledger
from wallet_service.settings import Settings

ADDRESS = "203.0.113.90"


@pytest.fixture
def somebody(accounts, owner, request) -> Iterator[str]:
    name = f"login {abs(hash(request.node.name))}"
    accounts.create(name, PASSWORD, Role.VIEWER, by_whom="test", why="to test")
    yield name
    forget_failures(owner)


@contextmanager
def busy():
    """Make this process look at as many passwords as it ever does."""
    with ExitStack() as turns:
        for _ in range(passwords.AT_ONCE):
            turns.enter_context(passwords.turn())
        yield turns


def forget_failures(owner):
    with owner.connect() as connection:
        connection.execute(text("DELETE FROM failed_logins"))


def failures(engine, address=ADDRESS):
    with engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM failed_logins WHERE address = :at"), {"at": address})


def test_guessing_in_parallel_gains_nothing(logins, engine, somebody):
    for _ in range(FAILURES_OF_A_NAME_FROM_AN_ADDRESS - 2):
        assert logins.log_in(somebody, "a guess", ADDRESS) is None
    at_once = 8
    together = Barrier(at_once)

    def guess(number):
        together.wait()
        try:
            assert logins.log_in(somebody, f"guess {number}", ADDRESS) is None
        except ThrottledError:
            return "throttled"
        return "looked at"

    with ThreadPoolExecutor(at_once) as pool:
        results = list(pool.map(guess, range(at_once)))
    assert results.count("looked at") == 2
    assert failures(engine) == FAILURES_OF_A_NAME_FROM_AN_ADDRESS


def test_a_login_that_succeeds_is_no_failure(logins, engine, somebody):
    for _ in range(FAILURES_OF_A_NAME_FROM_AN_ADDRESS + 1):
        assert logins.knows_password(somebody, PASSWORD, ADDRESS)
    assert logins.log_in(somebody, PASSWORD, ADDRESS)
    assert failures(engine) == 0


def test_no_connection_waits_with_a_login(database_url, engine, somebody):
    only_one = create_desk_engine(database_url, 1, read_only=False)
    logins = Logins(only_one)
    with ThreadPoolExecutor(1) as pool, busy() as turns:
        waiting = pool.submit(logins.log_in, somebody, PASSWORD, ADDRESS)
        while not failures(engine):
            assert not waiting.done()
        with only_one.connect():
            assert not waiting.done(), "it waits, and the connection is free"
        turns.close()
        assert waiting.result(30)
    assert failures(engine) == 0
    only_one.dispose()


def test_too_many_at_once_are_told_to_come_again_and_nothing_is_counted(database_url, engine, accounts, somebody):
    writes = create_desk_engine(database_url, 1, read_only=False)
    desk = create_desk(Settings(admin_secret_key=SECRET_KEY), Ledger(engine), writes, writes)
    browser, base = desk.test_client(), "http://localhost/admin"
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/login", base_url=base).text)[0]
    with busy():
        form = {"name": somebody, "password": PASSWORD, "csrf_token": token}
        answer = browser.post("/login", data=form, base_url=base)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "Try again in a few seconds." in answer.text
        with pytest.raises(BusyError):
            accounts.create("somebody else", PASSWORD, Role.VIEWER, by_whom="test", why="to test")
    assert failures(engine, "127.0.0.1") == 0
    assert browser.post("/login", data=form, base_url=base).status_code == 302
    writes.dispose()


def test_a_password_that_is_typed_for_a_name_is_kept_nowhere(new_service, accounts, owner):
    service = new_service(WALLET_ADMIN_SECRET_KEY=SECRET_KEY)
    typed = "a password in the wrong field"
    with Visitor(service) as visitor:
        visitor.log_in(typed, "x")
        visitor.log_in("viewer", "a wrong one")
    service.stop()
    log = "".join(service.log)
    assert log.count('"login failed"') == 2
    assert '"name": "viewer"' in log, "who is known is named"
    assert typed not in log
    with owner.connect() as connection:
        kept = connection.scalar(text("SELECT json_agg(f)::text FROM failed_logins f"))
    assert typed not in kept
    forget_failures(owner)


def test_a_session_that_was_logged_out_of_is_over_wherever_its_cookie_is(desk, somebody):
    with Visitor(desk) as visitor, Visitor(desk) as thief, Visitor(desk) as elsewhere:
        visitor.log_in(somebody)
        elsewhere.log_in(somebody)
        cookies = {cookie.name: cookie.value for cookie in visitor.cookies.jar}
        assert thief.get("/", headers={"Cookie": f"desk={cookies['desk']}"}).status_code == 200
        assert visitor.submit("/logout", on="/").status_code == 302
        assert thief.get("/", headers={"Cookie": f"desk={cookies['desk']}"}).status_code == 302
        assert elsewhere.get("/").status_code == 200, "the account's other sessions go on"


def test_what_a_page_asks_for_by_itself_does_not_put_the_end_of_a_session_off(visitor, somebody):
    visitor.log_in(somebody)
    assert "set-cookie" in visitor.get("/overview.json").headers
    assert "set-cookie" not in visitor.get("/overview.json", headers={"X-Background": "1"}).headers


def test_sessions_older_than_a_working_day_are_forgotten(logins, owner, somebody):
    assert logins.log_in(somebody, PASSWORD, ADDRESS)
    with owner.connect() as connection:
        connection.execute(text("UPDATE desk_sessions SET began_at = began_at - interval '1 day'"))
        assert logins.log_in(somebody, PASSWORD, ADDRESS)
        assert connection.scalar(text("SELECT count(*) FROM desk_sessions")) == 1
