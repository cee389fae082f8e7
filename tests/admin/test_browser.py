"""The desk in a real browser: every page at the width of a phone and of a desk, by eye of a machine."""

import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal
from urllib.parse import quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.admin.conftest import PASSWORD, SECRET_KEY
from tests.conftest import SECRETS, free_port
from wallet_service.admin.roles import Role
from wallet_service.sandbox import Keys, Sandbox, Wallet

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

    def open(self, path: str, status: int = 200) -> None:
        answer = self.page.goto(f"{self.origin}/admin{path}", wait_until="networkidle")
        assert answer
        assert answer.status == status, path

    def log_in(self, who: Role | str) -> None:
        self.open("/login")
        self.page.get_by_label("Name").fill(who.label if isinstance(who, Role) else who)
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
def test_every_page_fits_and_breaks_no_rule(new_screen, new_player, width, scheme):
    player = new_player("99999999999999.999999999999999999")
    round_id = "r/1 <b>x</b>"
    bet = player.bet("10", round_id=round_id, reference="b1")
    player.result("25", round_id=round_id)
    player.refund(round_id)
    player.bet("12345678901234.123456789012345678", round_id="open-for-long", reference="b2")
    player.answer(player.request("open-for-long", why="w" * 80), "refused")
    player.freeze()
    [action] = player.query("SELECT id FROM actions", "AND kind = 'freeze'")
    user = f"/players/{player.user_id}"
    screen = new_screen(width, scheme)
    screen.log_in(Role.ADMIN)
    problems = {}
    for path in (
        "/",
        f"/rounds?player={player.user_id}",
        "/transactions?from=nonsense",
        f"/refusals?player={player.user_id}",
        "/cancellations",
        "/reviews",
        "/actions",
        "/search?q=nothing-like-it",
        "/cancel-selection",
        user,
        f"{user}?print=1",
        f"{user}?currency=USD&after=1",
        f"{user}/rounds/{quote(round_id, safe='')}",
        f"{user}/rounds/open-for-long",
        f"{user}/transactions/{bet.transaction_id}",
        f"/freeze?user={player.user_id}",
        f"/adjust?user={player.user_id}",
        f"/decide?user={player.user_id}&round={quote(round_id, safe='')}&reason=refund_of_settled_round&reference=",
        f"/cancel?user={player.user_id}&round=open-for-long",
        f"/cancel/progress?user={player.user_id}&round=open-for-long",
        f"/action?user={player.user_id}&id={action.id}",
        "/accounts",
        "/account?name=viewer",
        "/tokens",
        "/me",
        "/reference",
    ):
        screen.open(path)
        found = screen.look()
        if found:
            problems[path] = found
    assert problems == {}


@pytest.mark.parametrize("path", ["/no/such/page", "/players/nobody", "/players/nobody/rounds/none"])
def test_what_is_not_there_says_so_and_offers_the_search(new_screen, path):
    screen = new_screen(360)
    screen.log_in(Role.VIEWER)
    screen.open(path, 404)
    assert screen.page.get_by_role("main").get_by_role("button", name="Search").is_visible()
    assert [text for text in screen.look() if "404" not in text] == []


@pytest.mark.parametrize("width", [360, 1024, 1440])
def test_the_search_is_in_sight_and_one_key_away(new_screen, player, width):
    screen = new_screen(width)
    screen.log_in(Role.VIEWER)
    page = screen.page
    expect(page.get_by_role("searchbox")).to_be_in_viewport()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type(player.user_id)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/players/{player.user_id}")


@pytest.fixture
def casino(database_url, accounts, new_service):
    """A wallet whose Lucky Monaco is a sandbox, in this process."""
    port = free_port()
    service = new_service(
        WALLET_LOG_LEVEL="ERROR",
        WALLET_ADMIN_SECRET_KEY=SECRET_KEY,
        WALLET_LUCKY_MONACO_URL=f"http://127.0.0.1:{port}",
    )
    keys = Keys(*SECRETS.values())
    sandbox = Sandbox(Wallet(f"http://127.0.0.1:{service.port}", "v4.02", keys), keys, port=port, pause=0)
    sandbox.start()
    yield service, sandbox
    sandbox.stop()


def test_a_round_is_found_cancelled_and_watched_until_it_is_refunded(browser, casino, player):
    service, sandbox = casino
    the_round, _ = sandbox.open_round(player.user_id, "USD", Decimal("12.50"))
    screen = Screen(browser, f"http://127.0.0.1:{service.port}", 1440, "light")
    screen.log_in(Role.OPERATOR)
    page = screen.page
    page.keyboard.press("/")
    page.keyboard.type(the_round.round_id)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=f"Round {the_round.round_id}").wait_for()
    story = page.locator(".story").inner_text()
    assert "12.50" in story
    assert "87.50" in story, "the balance after the bet"
    page.get_by_role("link", name="Cancel the round").click()
    assert "Stake to return" in page.locator("main").inner_text()
    page.get_by_label("Reason").fill("the game hangs")
    page.get_by_role("button", name="Cancel the round").click()
    page.locator("main").get_by_text("refunded").first.wait_for()
    assert player.state(the_round.round_id) == "refunded"
    screen.open(f"/players/{player.user_id}/rounds/{the_round.round_id}")
    assert "the game hangs" in page.locator("main").inner_text()
    assert screen.look() == []
    screen.context.close()


def test_chosen_rounds_are_cancelled_together(browser, casino, player):
    service, sandbox = casino
    rounds = [sandbox.open_round(player.user_id, "USD", Decimal(5))[0].round_id for _ in range(3)]
    screen = Screen(browser, f"http://127.0.0.1:{service.port}", 1440, "light")
    screen.log_in(Role.OPERATOR)
    screen.open(f"/rounds?player={player.user_id}")
    page = screen.page
    for round_id in rounds[:2]:
        page.get_by_label(f"Choose round {round_id}").check()
    page.get_by_role("button", name="Cancel the chosen rounds").click()
    assert "10.00" in page.locator("main").inner_text(), "what comes back"
    page.get_by_label("Reason").fill("the game is withdrawn")
    page.locator("main").get_by_role("button").last.click()
    expect(page.locator("main")).to_contain_text("refunded")
    for round_id in rounds[:2]:
        while player.state(round_id) != "refunded":
            page.reload()
    assert player.state(rounds[2]) == "open"
    screen.context.close()


def test_a_review_is_decided_and_a_list_exported(new_screen, player):
    player.bet("10")
    player.result("25")
    player.refund("r1")
    screen = new_screen()
    screen.log_in(Role.OPERATOR)
    page = screen.page
    screen.open(f"/reviews?player={player.user_id}")
    page.get_by_role("link", name="Decide").click()
    page.get_by_label("Refund").check()
    page.get_by_label("Reason").fill("Lucky Monaco voided it")
    page.locator("main").get_by_role("button").last.click()
    expect(page.locator("main")).to_contain_text("Lucky Monaco voided it")
    assert player.balance() == Decimal(100)
    screen.open(f"/transactions?player={player.user_id}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    text = download.value.path().read_text()
    assert text.count("\n") == 5, "a line of names, and bet, result, refund and reversal"
    assert player.user_id in download.value.suggested_filename


def test_a_page_that_follows_something_says_that_the_desk_is_away_and_goes_on(new_screen, player):
    player.bet("10")
    attempt = player.request()
    screen = new_screen()
    screen.log_in(Role.OPERATOR)
    screen.open(f"/cancel/progress?user={player.user_id}&round=r1")
    screen.context.set_offline(True)
    alert = screen.page.get_by_role("alert")
    expect(alert).to_contain_text("The desk does not answer.", timeout=20_000)
    player.answer(attempt, "accepted")
    screen.context.set_offline(False)
    expect(screen.page.locator("main")).to_contain_text("the refund is awaited", timeout=20_000)
    expect(alert).to_have_count(0)


def test_a_page_that_follows_something_says_that_one_is_logged_out(new_screen, accounts, player):
    player.bet("10")
    player.request()
    accounts.create("follower", PASSWORD, Role.VIEWER, by_whom="test", why="to test")
    screen = new_screen()
    screen.log_in("follower")
    screen.open(f"/cancel/progress?user={player.user_id}&round=r1")
    accounts.change("follower", by_whom="test", why="to end the session")
    alert = screen.page.get_by_role("alert")
    expect(alert).to_contain_text("You are logged out.", timeout=20_000)
    alert.get_by_role("link", name="Log in.").click()
    screen.page.wait_for_url("**/admin/login?next=**")


def test_the_overview_says_that_one_is_logged_out_while_it_is_counted(new_screen):
    screen = new_screen()
    screen.log_in(Role.VIEWER)

    def as_if_counting(route):
        answer = route.fetch()
        mark = f'<p data-reload="{screen.origin}/admin/overview.json" data-login="/admin/login">Counting</p>'
        route.fulfill(response=answer, body=answer.text().replace("<h1", f"{mark}<h1"))

    asked = []

    def refuse(route):
        asked.append(route.request)
        route.fulfill(status=401)

    screen.page.route(f"{screen.origin}/admin/", as_if_counting)
    screen.page.route("**/overview.json", refuse)
    screen.open("/")
    expect(screen.page.get_by_role("alert")).to_contain_text("You are logged out.", timeout=20_000)
    assert [request.headers["x-background"] for request in asked] == ["1"], "it asks no more"
