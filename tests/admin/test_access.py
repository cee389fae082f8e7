"""Each route of the desk, as a stranger and as each role, against the one table of what each may."""

import re
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.conftest import as_reader
from wallet_service.admin.app import create_desk
from wallet_service.admin.roles import ACCESS, ANYBODY, Role
from wallet_service.database import create_desk_engine
from wallet_service.ledger.ledger import Ledger
from wallet_service.settings import Settings

SAFE = {"GET", "HEAD", "OPTIONS"}
LET_OUT = {"logout", "logout_everywhere"}
"""They would end the session of the walk."""


@pytest.fixture(scope="session")
def routes(database_url):
    """Every (endpoint, path, methods) of the desk as it is put together, with something in place of what varies."""
    engine = create_desk_engine(as_reader(database_url), 1, read_only=True)
    desk = create_desk(Settings(admin_secret_key="k" * 32), Ledger(engine), engine, engine)
    engine.dispose()
    found = []
    for rule in desk.url_map.iter_rules():
        path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda name: str(uuid4()) if "id" in name[1] else "x", rule.rule)
        found.append((rule.endpoint, path, (rule.methods or set()) - {"HEAD", "OPTIONS"}))
    return found


def test_every_route_has_its_line_in_the_table_and_every_line_a_route(routes):
    assert {endpoint for endpoint, _, _ in routes} == set(ACCESS)


def test_a_stranger_gets_to_the_login_and_no_further(visitor, routes):
    for endpoint, path, methods in routes:
        if ACCESS[endpoint] is ANYBODY:
            continue
        for method in methods:
            answer = visitor.request(method, path)
            if method in SAFE and not path.endswith((".json", ".csv")):
                assert answer.status_code == 302, path
                assert urlsplit(answer.headers["location"]).path == "/admin/login"
            else:
                assert answer.status_code == 401, (method, path)


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.label)
def test_a_role_gets_what_the_table_says(logged_in, routes, role):
    visitor = logged_in(role)
    csrf_token = visitor.csrf_token("/")
    for endpoint, path, methods in routes:
        needed = ACCESS[endpoint]
        for method in methods:
            if endpoint in LET_OUT:
                continue
            data = {} if method in SAFE else {"data": {"csrf_token": csrf_token}}
            answer = visitor.request(method, path, **data)
            where = f"{role.label}: {method} {path} got {answer.status_code}"
            if needed is ANYBODY or role >= needed:
                assert answer.status_code not in {401, 403, 500}, where
            else:
                assert answer.status_code == 403, where
                assert f"needs the role {needed.label}, and {role.label} has the role {role.label}." in answer.text


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.label)
def test_nothing_is_done_without_the_token_of_a_form(logged_in, routes, role):
    visitor = logged_in(role)
    for endpoint, path, methods in routes:
        for method in methods - SAFE if role >= (ACCESS[endpoint] or Role.VIEWER) else ():
            for data in ({}, {"csrf_token": "guessed"}):
                answer = visitor.request(method, path, data=data)
                assert answer.status_code == 400, (method, path)
                assert "Nothing was done" in answer.text, "and the page says what to do"
    assert visitor.get("/").status_code == 200, "the session goes on"


def test_an_address_without_a_page_says_so_and_how_to_search(logged_in):
    answer = logged_in(Role.VIEWER).get("/players/x/transactions/no-id")
    assert answer.status_code == 404
    for said in ("The desk has no page of this address.", "Look for it by its name, whole", 'action="/admin/search"'):
        assert said in answer.text


def test_what_a_role_may_not_do_is_not_shown(logged_in):
    pages = {role: logged_in(role).get("/").text for role in Role}
    assert [role for role in Role if "/admin/accounts" in pages[role]] == [Role.ADMIN]
    assert [role for role in Role if "/admin/tokens" in pages[role]] == [Role.ADMIN]
