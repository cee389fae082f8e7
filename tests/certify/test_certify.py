"""A right wallet passes in both versions and gets its money back; of a wrong one, each broken promise is named."""

import json
import subprocess
from dataclasses import replace
from decimal import Decimal
from itertools import count
from threading import Lock
from uuid import uuid4

import pytest

from tests.certify.between import Between
from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE, free_port
from wallet_service.certify import client, refusals
from wallet_service.certify.client import Client, UnreachableError
from wallet_service.certify.cycle import Cycle
from wallet_service.certify.findings import Findings
from wallet_service.certify.refusals import try_patience, try_player, try_refusals
from wallet_service.settings import Settings

SETTINGS = Settings(
    partner_id=SECRETS["WALLET_PARTNER_ID"],
    partner_token=(SECRETS["WALLET_PARTNER_TOKEN"],),
    hash_secret=(SECRETS["WALLET_HASH_SECRET"],),
)
VERSIONS = ["v4.02", "v4"]


def certify(url, *arguments, **settings):
    """Run the command, and return how it ended and what it printed."""
    command = [WALLET_SERVICE, "certify", url, *arguments]
    environment = {**ENVIRONMENT, **SECRETS, "COLUMNS": "250", **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def try_all(url, version, player):
    """Return the problem of each broken promise, by case."""
    client, findings = Client(url, version, SETTINGS), Findings(version)
    try_refusals(client, findings, "USD")
    try_player(client, findings, player.user_id, "USD")
    Cycle(client, findings, player.user_id, "USD", Decimal(1)).run()
    try_patience(client, findings)
    client.close()
    return {finding.case: finding.problem for finding in findings.cases if not finding.kept}


@pytest.fixture
def url(service):
    return f"http://127.0.0.1:{service.port}"


@pytest.fixture
def new_wrong(service):
    started = []

    def start(fault):
        started.append(Between(service.port, fault))
        return started[-1].url

    yield start
    for wrong in started:
        wrong.stop()


def test_a_right_wallet_passes_and_its_money_is_not_touched(url, player, tmp_path):
    result = certify(url, "--player", player.user_id, "--report", str(tmp_path / "report.json"))
    assert (result.returncode, result.stderr) == (0, "")
    assert "The wallet passes." in result.stdout
    assert player.log() == []
    assert player.query("SELECT * FROM refusals") == []
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["passes"]
    assert {finding["version"] for finding in report["findings"]} == set(VERSIONS)
    assert not report["moved_money"]


def test_a_right_wallet_gives_all_the_money_back(url, player, tmp_path):
    options = ("--moves-money", "--amount", "0.75", "--report", str(tmp_path / "report.md"))
    result = certify(url, "--player", player.user_id, *options)
    assert (result.returncode, result.stderr) == (0, "")
    assert player.balance() == 100
    assert sum(amount for _, amount in player.log()) == 0
    assert {call for call, _ in player.log()} == {"bet", "refund", "cancel", "result"}
    assert {reason for _, reason, _, _ in player.reviews()} == {"refund_of_settled_round"}, "as the guide says"
    report = (tmp_path / "report.md").read_text()
    assert "The wallet passes." in report
    for secret in SECRETS.values():
        assert secret not in report + result.stdout


@pytest.mark.parametrize("setting", ["refuse", "reverse"])
def test_either_answer_to_the_refund_of_a_settled_round_passes(new_service, player, setting):
    service = new_service(WALLET_REFUND_SETTLED_ROUND=setting, WALLET_LOG_LEVEL="WARNING")
    assert try_all(f"http://127.0.0.1:{service.port}", "v4.02", player) == {}
    assert player.balance() == 100


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tries_themselves_find_nothing_wrong_through_a_proxy(new_wrong, player, version):
    assert try_all(new_wrong(lambda ask, forward: forward(ask)), version, player) == {}


# What a wrong wallet does, and the promises that it breaks at least.


def takes_any_token(ask, forward):
    return forward(replace(ask, query=f"authToken={SECRETS['WALLET_PARTNER_TOKEN']}"))


def takes_any_hash(ask, forward):
    if ask.method == "POST" and b'"hash"' in ask.body:
        ask = replace(ask, body=json.dumps({k: v for k, v in ask.fields.items() if k != "hash"}).encode())
    return forward(ask)


def answers_html(ask, forward):
    got = forward(ask)
    return got if got.status == 200 else replace(got, content_type="text/html")


def answers_all_with_200(ask, forward):
    return replace(forward(ask), status=200)


def tells_no_currency(ask, forward):
    got = forward(ask)
    return got.changed(currency=None) if ask.call == "Balance" else got


def tells_cash_in_the_other_way(ask, forward):
    got = forward(ask)
    if "cash" not in got.fields:
        return got
    cash = got.fields["cash"]
    return got.changed(cash=float(cash) if isinstance(cash, str) else f"{cash:.2f}")


def makes_up_ids(ask, forward):
    got = forward(ask)
    return got.changed(transactionId=str(uuid4())) if got.success else got


def tells_no_ids(ask, forward):
    got = forward(ask)
    return got.changed(transactionId="") if got.success else got


def tells_ids_that_are_objects(ask, forward):
    got = forward(ask)
    return got.changed(transactionId={"id": got.fields.get("transactionId")}) if got.success else got


def takes_negative_amounts(ask, forward):
    if ask.call == "Bet":
        ask = ask.changed(amount=ask.fields["amount"].lstrip("-"))
    return forward(ask)


def keeps_refunds(ask, forward):
    if ask.call == "Refund":
        return forward(ask.changed(roundId=f"x{ask.fields['roundId']}"[:36]))
    return forward(ask)


def cancels_nothing(ask, forward):
    return forward(ask.changed(reference="another") if ask.call == "Cancel" else ask)


def takes_late_bets():
    """It puts what is refused for good into a round, and under a reference, of its own."""
    numbers = count()

    def fault(ask, forward):
        got = forward(ask)
        if ask.call == "Bet" and got.fields["error"] == 999:
            name = f"own-{uuid4().hex[:16]}-{next(numbers)}"
            return forward(ask.changed(roundId=name, reference=name))
        return got

    return fault


def takes_bets_beyond_the_balance(ask, forward):
    got = forward(ask)
    return got.changed(error=0, description="Success") if got.fields["error"] == 15 else got


def pays_again(call, pay):
    """Every further answer to the call with an id that was told before comes with money."""
    told, lock = set(), Lock()

    def fault(ask, forward):
        got = forward(ask)
        if ask.call == call and got.success:
            with lock:
                again = got.fields["transactionId"] in told
                told.add(got.fields["transactionId"])
            if again:
                pay()
        return got

    return fault


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        (takes_any_token, {"no token", "wrong token"}),
        (takes_any_hash, {"wrong hash"}),
        (answers_html, {"not JSON", "no object", "other type", "other method", "no such call", "too large"}),
        (answers_all_with_200, {"not JSON", "no object", "other type", "other method", "no such call", "too large"}),
        (tells_no_currency, {"balance", "bet"}),
        (tells_cash_in_the_other_way, {"balance", "bet"}),
        (makes_up_ids, {"bet again", "refund again", "refund renamed", "result again", "race"}),
        (tells_no_ids, {"bet", "refund", "cancel", "result", "race"}),
        (tells_ids_that_are_objects, {"bet", "refund", "cancel", "result", "race"}),
        (takes_negative_amounts, {"negative amount"}),
        (keeps_refunds, {"refund", "race", "bet came after"}),
        (cancels_nothing, {"cancel", "bet after cancel"}),
        (takes_late_bets(), {"late bet", "bet after cancel", "bet came later", "bet came after", "other bet"}),
        (takes_bets_beyond_the_balance, {"too much"}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_broken_promise_is_named(new_wrong, player, fault, broken):
    assert broken <= try_all(new_wrong(fault), "v4.02", player).keys()


@pytest.mark.parametrize(
    ("fault", "broken"),
    [(answers_all_with_200, {"unknown player", "late bet"}), (tells_cash_in_the_other_way, {"balance"})],
)
def test_each_broken_promise_is_named_in_v4(new_wrong, player, fault, broken):
    assert broken <= try_all(new_wrong(fault), "v4", player).keys()


@pytest.mark.parametrize(("call", "case"), [("Refund", "refund again"), ("Result", "result again")])
def test_money_that_is_paid_twice_is_noticed(new_wrong, player, call, case):
    numbers = count()
    fault = pays_again(call, lambda: player.transfer("deposit", "1", reference=f"d{next(numbers)}"))
    problems = try_all(new_wrong(fault), "v4.02", player)
    assert "the balance is" in problems[case]
    assert "too much" in problems["all is back"]


def test_a_player_without_money_for_it_is_told_so(new_wrong, new_player, url):
    problems = try_all(url, "v4.02", new_player("0.50"))
    assert problems == {"bet": "there is too little to bet"}


def test_answers_that_take_too_long_are_named(url, player, monkeypatch):
    monkeypatch.setattr(refusals, "PATIENCE_S", 0.0)
    assert try_all(url, "v4.02", player).keys() == {"in time"}


def test_a_wallet_that_is_away_for_a_moment_is_asked_again(service, player, monkeypatch):
    port, returned = free_port(), list[Between]()

    def come_back(_seconds):
        if not returned:
            returned.append(Between(service.port, lambda ask, forward: forward(ask), at=port))

    monkeypatch.setattr(client, "sleep", come_back)
    asking = Client(f"http://127.0.0.1:{port}", "v4.02", SETTINGS)
    assert asking.ask("Balance", player.user_id, "USD").code == "0"
    asking.close()
    returned[0].stop()


def test_an_end_of_a_round_that_could_not_be_taken_is_sent_again(new_wrong, player, monkeypatch):
    monkeypatch.setattr(client, "sleep", lambda _seconds: None)
    numbers = count()

    def says_997_at_first(ask, forward):
        got = forward(ask)
        return got.changed(error=997) if ask.call == "EndRound" and next(numbers) == 0 else got

    assert try_all(new_wrong(says_997_at_first), "v4.02", player) == {}


def test_stakes_that_cannot_be_given_back_are_named(url, player, monkeypatch):
    monkeypatch.setattr(client, "sleep", lambda _seconds: None)

    class Gone(Client):
        """To which nothing answers once there was a bet."""

        def send(self, call, *rest, **more):
            if call in {"Cancel", "Refund"}:
                raise UnreachableError("no connection")
            return super().send(call, *rest, **more)

    asking = Gone(url, "v4.02", SETTINGS)
    with pytest.raises(UnreachableError, match=r"left in certify-[0-9a-f]{12}-1$"):
        Cycle(asking, Findings("v4.02"), player.user_id, "USD", Decimal(1)).run()
    asking.close()
    assert player.balance() == 99


def test_a_wrong_wallet_ends_the_command_with_1_and_the_report_says_why(new_wrong, player, tmp_path):
    url = new_wrong(takes_any_token)
    result = certify(url, "--version", "v4.02", "--report", str(tmp_path / "report.md"))
    assert result.returncode == 1
    assert "BROKEN" in result.stdout
    assert "✗ | v4.02 | no token" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((f"http://127.0.0.1:{free_port()}",), "no connection"),
        (("ftp://x",), "must be a URL"),
        (("http://wallet.example.com",), "must be https://"),
        (("http://127.0.0.1:1", "--moves-money"), "--moves-money needs a --player"),
        (("http://127.0.0.1:1", "--report", "x.pdf"), "must end in .md or .json"),
        (("http://127.0.0.1:1", "--report", "no/such/folder/x.md"), "must be in a folder"),
        (("http://127.0.0.1:1", "--amount", "-1"), "negative"),
        (("http://127.0.0.1:1", "--amount", "0"), "more than nothing"),
    ],
)
def test_what_cannot_be_tried_is_one_line(arguments, words):
    result = certify(*arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
