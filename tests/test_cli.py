"""The command line, run as a person runs it."""

import json
import subprocess
from decimal import Decimal

import pytest
from sqlalchemy import text

from tests.conftest import ENVIRONMENT, WALLET_SERVICE, as_owner, database_settings
from wallet_service.database import create_migration_engine
from wallet_service.schema import migrate


@pytest.fixture
def cli(database_url):
    def run(*arguments, url=database_url, **environment):
        return subprocess.run(
            [WALLET_SERVICE, *arguments],
            env={**ENVIRONMENT, **database_settings(url), **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_open_show_and_open_again(cli):
    opened = cli("wallet", "open", "cli-1", "USD", "--balance", "1000.5")
    assert (opened.returncode, opened.stdout) == (0, "Opened a wallet for cli-1 with 1000.50 USD.\n")
    again = cli("wallet", "open", "cli-1", "USD", "--balance", "7")
    assert (again.returncode, again.stderr) == (1, "Error: cli-1 already has a USD wallet; it holds 1000.50 USD\n")
    shown = json.loads(cli("wallet", "show", "cli-1", "--json").stdout)
    assert shown == [
        {
            "user": "cli-1",
            "state": "active",
            "currency": "USD",
            "balance": "1000.50",
            "opening_balance": "1000.50",
            "transactions": 0,
        }
    ]
    assert "1000.50" in cli("wallet", "show", "cli-1").stdout
    missing = cli("wallet", "show", "cli-nobody")
    assert (missing.returncode, missing.stderr) == (1, "Error: no player 'cli-nobody'\n")


def test_money_that_a_wallet_opens_with_is_in_the_action_log(cli, engine):
    cli("wallet", "open", "cli-rich", "USD", "--balance", "1000.5")
    cli("wallet", "open", "cli-rich", "USD", "--balance", "7")  # refused
    cli("wallet", "open", "cli-rich", "USD", "--balance", "1000.5")  # so already
    cli("wallet", "open", "cli-rich", "EUR")
    with engine.connect() as connection:
        [action] = connection.execute(text("SELECT * FROM actions WHERE user_id = 'cli-rich'"))
    assert (action.kind, action.by_whom.partition(":")[0], action.transaction_id) == ("open", "cli", None)
    assert action.why == "the wallet was opened with this balance"
    assert action.before == {"balance": None, "currency": "USD"}
    assert (Decimal(action.after["balance"]), action.after["currency"]) == (Decimal("1000.5"), "USD")


def test_freeze_and_unfreeze(cli, new_player):
    player = new_player()
    frozen = cli("wallet", "freeze", player.user_id, "--reason", "fraud alert")
    assert (frozen.returncode, frozen.stdout) == (0, f"{player.user_id} is now frozen.\n")
    assert "frozen" in cli("wallet", "show", player.user_id).stdout
    assert cli("wallet", "freeze", player.user_id, "--reason", "again").stdout.endswith("is already frozen.\n")
    assert player.bet("1").outcome.value == "player_frozen"
    assert cli("wallet", "unfreeze", player.user_id, "--reason", "cleared").stdout.endswith("is now active.\n")
    decisions = player.query("SELECT kind, by_whom, why FROM actions", "ORDER BY at")
    assert [(row.kind, row.why) for row in decisions] == [("freeze", "fraud alert"), ("unfreeze", "cleared")]
    assert all(row.by_whom.startswith("cli:") for row in decisions)
    nobody = cli("wallet", "freeze", "cli-nobody", "--reason", "x")
    assert (nobody.returncode, nobody.stderr) == (1, "Error: no player 'cli-nobody'\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["wallet", "open", "", "USD"], "USER"),
        (["wallet", "open", "x" * 33, "USD"], "USER"),
        (["wallet", "open", "cli-2", "usd"], "CURRENCY"),
        (["wallet", "open", "cli-2", "USD", "--balance", "-1"], "--balance"),
        (["wallet", "open", "cli-2", "USD", "--balance", "NaN"], "--balance"),
        (["wallet", "open", "cli-2", "USD", "--balance", "1.0000000000000000001"], "--balance"),
        (["wallet", "freeze", "cli-2"], "--reason"),
        (["wallet", "freeze", "cli-2", "--reason", " "], "--reason"),
        (["wallet", "open", "cli-2", "ZZZ"], "CURRENCY"),
        (["transactions"], "--user"),
        (["nothing"], "nothing"),
        (["servee"], "Did you mean"),
    ],
)
def test_wrong_arguments_are_named(cli, arguments, words):
    result = cli(*arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_transactions_by_user_and_by_round(cli, new_player):
    first, second = new_player(), new_player()
    for player in (first, second):
        player.bet("10", round_id=f"shared-{first.user_id}")
    first.refund(f"shared-{first.user_id}")

    def calls(*arguments):
        return [row["call"] for row in json.loads(cli("transactions", *arguments, "--json").stdout)]

    assert calls("--user", first.user_id) == ["bet", "refund"]
    assert sorted(calls("--round", f"shared-{first.user_id}")) == ["bet", "bet", "refund"]
    assert calls("--round", f"shared-{first.user_id}", "--user", second.user_id) == ["bet"]
    [_, refund] = json.loads(cli("transactions", "--user", first.user_id, "--json").stdout)
    assert (refund["amount"], refund["balance"], refund["currency"]) == ("10.00", "100.00", "USD")
    table = cli("transactions", "--user", first.user_id).stdout
    assert refund["id"] in table, "an id is shown whole, however narrow the terminal"
    assert cli("transactions", "--user", "cli-nobody").stdout == "No transactions.\n"


def test_reviews_are_listed_and_decided(cli, new_player):
    player = new_player()
    player.bet("10")
    player.result("25")
    player.refund("r1")
    [row] = json.loads(cli("reviews", "list", "--user", player.user_id, "--json").stdout)
    assert (row["round"], row["reason"], row["reference"]) == ("r1", "refund_of_settled_round", "")
    decide = ["reviews", "decide", player.user_id, "r1", "refund_of_settled_round"]
    assert "--refund or --leave" in cli(*decide, "--why", "LM asked").stderr
    assert "--why" in cli(*decide, "--refund").stderr
    done = cli(*decide, "--refund", "--why", "LM asked")
    assert (done.returncode, done.stdout.endswith(f"{player.user_id} has 100.00 USD now.\n")) == (0, True)
    again = cli(*decide, "--leave", "--why", "x")
    assert (again.returncode, again.stderr) == (1, "Error: no such review is open; see: wallet-service reviews list\n")
    assert cli("reviews", "list", "--user", player.user_id).stdout == "No round waits for a decision.\n"


def test_text_from_outside_is_shown_as_text(cli, new_player):
    player = new_player()
    player.bet("1", reference="[red]x[/red]")
    assert "[red]x[/red]" in cli("transactions", "--user", player.user_id).stdout


def test_audit_clean_and_violated(cli, new_database, harm):
    url = new_database()
    migrate(as_owner(url))
    cli("wallet", "open", "p", "USD", "--balance", "10", url=url)
    clean = cli("audit", url=url)
    assert clean.returncode == 0
    assert (
        "Checked 3 rows (1 players, 1 wallets, 0 rounds, 0 transactions, 0 refusals, 0 reviews, 1 actions, "
        "0 cancellations)" in clean.stdout
    )
    assert "rows/s" in clean.stdout
    assert "Clean" in clean.stdout
    harm(url, "UPDATE wallets SET balance = 11")
    violated = cli("audit", url=url)
    assert violated.returncode == 1
    assert "VIOLATION balance: player p, USD: balance 11" in violated.stdout
    report = json.loads(cli("audit", "--json", url=url).stdout)
    assert [item["check"] for item in report["violations"]] == ["balance"]


@pytest.fixture
def harm():

    def run(url, statement):
        with create_migration_engine(as_owner(url)).begin() as connection:
            connection.execute(text(statement))

    return run


def test_an_external_database_must_be_migrated_first(cli, new_database):
    url = new_database()
    for command in (["audit"], ["serve"], ["wallet", "show", "p"]):
        secrets = {"WALLET_PARTNER_ID": "a", "WALLET_PARTNER_TOKEN": "b", "WALLET_HASH_SECRET": "c"}
        result = cli(*command, url=url, **secrets)
        assert result.returncode == 2
        assert "run: wallet-service migrate" in result.stderr
    assert cli("migrate", url=url).returncode == 0
    assert cli("audit", url=url).returncode == 0


def test_a_database_that_is_not_there_is_one_line(cli):
    result = cli("audit", url="postgresql://nobody@127.0.0.1:1/nothing")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert "database" in result.stderr


def test_a_busy_port_is_one_line(cli, service):
    secrets = {"WALLET_PARTNER_ID": "a", "WALLET_PARTNER_TOKEN": "b", "WALLET_HASH_SECRET": "c"}
    result = cli("serve", "--port", str(service.port), **secrets)
    assert result.returncode == 2
    assert f"cannot listen on 127.0.0.1:{service.port}" in result.stderr
    assert "Traceback" not in result.stderr
