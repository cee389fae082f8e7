"""The desk in a real browser: every page at the width of a phone and of a desk, by eye of a machine."""

import os
import shutil
from collections.abc import Iterator
from typing import Literal
from urllib.parse import quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.admin.conftest import PASSWORD
from wallet_service.admin.roles import Role

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="needs Chromium: apt-get install chromium"
)
WIDTHS = (360, 1440)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Screen:
    """Somebody's browser window, which notes what a page may not do."""

    def __init__(self, browser: Browser, origin: str, width: int, scheme: Literal["light", "dark"]) -> None:
        self.origin = origin
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._ask)

    def _hear(self, message):
        if message.type in {"error", "warning"}:
            self.problems.append(f"console: {message.text}")

    def _ask(self, request):
        if urlsplit(request.url).netloc != urlsplit(self.origin).netloc and not request.url.startswith("data:"):
            self.problems.append(f"another host: {request.url}")

    def open(self, path: str) -> None:
        self.page.goto(f"{self.origin}/admin{path}", wait_until="networkidle")

    def log_in(self, role: Role) -> None:
        self.open("/login")
        self.page.get_by_label("Name").fill(role.label)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.origin}/admin/")

    def look(self) -> list[str]:
        """Return everything that is wrong with the page as it stands."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found = [f"{wide} px too wide"] if wide > 0 else []
        for violation in Axe().run(self.page).response["violations"]:
            if violation["impact"] in {"serious", "critical"}:
                nodes = "; ".join(node["html"][:120] for node in violation["nodes"][:3])
                found.append(f"{violation['id']}: {violation['help']}: {nodes}")
        found += self.problems
        self.problems.clear()
        return found


@pytest.fixture
def new_screen(browser, desk, accounts):
    screens: list[Screen] = []

    def make(width: int = 1440, scheme: Literal["light", "dark"] = "light") -> Screen:
        screens.append(Screen(browser, f"http://127.0.0.1:{desk.port}", width, scheme))
        return screens[-1]

    yield make
    for screen in screens:
        screen.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_way_in(new_screen, width, scheme):
    screen = new_screen(width, scheme)
    screen.open("/login")
    assert screen.look() == []
    screen.page.get_by_label("Name").fill(f"nobody {width} {scheme}")
    screen.page.get_by_label("Password").fill("wrong")
    screen.page.get_by_role("button", name="Log in").click()
    screen.page.get_by_role("alert").get_by_text("Name or password is wrong.").wait_for()
    screen.problems = [text for text in screen.problems if "403" not in text]
    assert screen.look() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_and_breaks_no_rule(new_screen, player, width, scheme):
    round_id = "r/1 <b>x</b>"
    bet = player.bet("10", round_id=round_id, reference="b1")
    player.result("25", round_id=round_id)
    player.refund(round_id)
    player.bet("12.345", round_id="open-for-long")
    player.answer(player.request("open-for-long", why="w" * 80), "refused")
    player.freeze()
    user = f"/players/{player.user_id}"
    screen = new_screen(width, scheme)
    screen.log_in(Role.ADMIN)
    problems = {}
    for path in (
        "/",
        f"/rounds?player={player.user_id}",
        "/transactions?from=nonsense",
        "/cancellations",
        "/reviews",
        "/actions",
        "/search?q=nothing-like-it",
        user,
        f"{user}?print=1",
        f"{user}/rounds/{quote(round_id, safe='')}",
        f"{user}/rounds/open-for-long",
        f"{user}/rounds/unknown",
        f"{user}/transactions/{bet.transaction_id}",
        f"/freeze?user={player.user_id}",
        f"/adjust?user={player.user_id}",
        f"/decide?user={player.user_id}&round={quote(round_id, safe='')}&reason=refund_of_settled_round&reference=",
        "/people",
        "/tokens",
        "/me",
        "/no/such/page",
    ):
        screen.open(path)
        found = [text for text in screen.look() if "404" not in text]
        if found:
            problems[path] = found
    assert problems == {}
