"""The desk of a real service over real HTTP, and people of each role who are logged in."""

import re
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine

from tests.conftest import Service
from wallet_service.admin.accounts import Accounts
from wallet_service.admin.api_tokens import ApiTokens
from wallet_service.admin.logins import Logins
from wallet_service.admin.roles import Role
from wallet_service.database import create_desk_engine

PASSWORD = "correct horse battery"
SECRET_KEY = "a secret key for tests, long enough"


class Visitor(httpx.Client):
    """A browser's part: it keeps cookies, and sends a form with the token of the page that it is on."""

    def __init__(self, service: Service) -> None:
        super().__init__(base_url=f"http://127.0.0.1:{service.port}/admin", timeout=30, headers={"Accept": "text/html"})

    def csrf_token(self, page: str) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page).text)
        assert found, f"{page} has no form"
        return found[1]

    def submit(self, to: str, on: str = "", **fields: str) -> httpx.Response:
        """Send a form that is on a page; unless named, the page has the form's own address."""
        return self.post(to, data={**fields, "csrf_token": self.csrf_token(on or to)})

    def log_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return self.submit("/login", name=name, password=password)


@pytest.fixture(scope="session")
def desk(database_url: str) -> Iterator[Service]:
    service = Service(database_url, WALLET_LOG_LEVEL="ERROR", WALLET_ADMIN_SECRET_KEY=SECRET_KEY)
    yield service
    service.stop()


@pytest.fixture(scope="session")
def writes(database_url: str) -> Iterator[Engine]:
    """Connections such as the desk has for its accounts."""
    engine = create_desk_engine(database_url, 4, read_only=False)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def accounts(writes: Engine) -> Accounts:
    """The accounts ``viewer``, ``operator`` and ``admin``, and a way to make more."""
    accounts = Accounts(writes)
    for role in Role:
        accounts.create(role.label, PASSWORD, role, by_whom="test", why="to test")
    return accounts


@pytest.fixture(scope="session")
def tokens(writes: Engine) -> ApiTokens:
    return ApiTokens(writes)


@pytest.fixture
def new_token(tokens: ApiTokens) -> Callable[[Role], str]:
    """Make a token of that role; its name is one that nobody has."""
    return lambda role: tokens.create(f"script {uuid4()}", role, by_whom="test", why="to test")


@pytest.fixture(scope="session")
def logins(writes: Engine, accounts: Accounts) -> Logins:
    """The way in for those accounts."""
    return Logins(writes)


@pytest.fixture
def visitor(desk: Service) -> Iterator[Visitor]:
    """Somebody who is not logged in."""
    with Visitor(desk) as visitor:
        yield visitor


@pytest.fixture
def logged_in(desk: Service, accounts: Accounts) -> Iterator[Callable[[Role], Visitor]]:
    """Log somebody in, by role."""
    visitors: list[Visitor] = []

    def log_in(role: Role) -> Visitor:
        visitors.append(Visitor(desk))
        assert visitors[-1].log_in(role.label).status_code == 302
        return visitors[-1]

    yield log_in
    for visitor in visitors:
        visitor.close()
