"""The operator's own platform: money in and out, idempotent by its reference, with its own token."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT, Service

TOKEN = "platform-token"
PAGE = Path(__file__).parent.parent.parent / "docs" / "operator-api.md"


@pytest.fixture(scope="module")
def platform(database_url):

    service = Service(database_url, WALLET_OPERATOR_TOKEN=f"other,{TOKEN}", WALLET_LOG_LEVEL="WARNING")
    yield service
    service.stop()


@pytest.fixture
def ask(platform):
    def ask(method, path, body=None, token=TOKEN):
        options = {} if body is None else {"content": json.dumps(body)}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}".encode("latin-1")}
        response = platform.http.request(method, f"/operator{path}", headers=headers, **options)
        assert response.headers["Content-Type"] == "application/json"
        return response.status_code, response.json()

    return ask


def test_a_players_money_from_opening_to_withdrawal(ask, new_player):
    user = f"{new_player().user_id}-api"
    wallet = {"user_id": user, "currency": "EUR"}
    opened = ask("POST", "/wallets", {**wallet, "balance": "5"})
    assert opened == (200, {"outcome": "applied", "currency": "EUR", "balance": "5.00"})
    assert ask("POST", "/wallets", {**wallet, "balance": 5.0}) == (
        200,
        {"outcome": "replayed", "currency": "EUR", "balance": "5.00"},
    )
    assert ask("POST", "/wallets", {**wallet, "balance": "6"}) == (
        409,
        {"outcome": "wallet_exists", "currency": "EUR", "balance": "5.00"},
    )
    deposit = {**wallet, "amount": "10.50", "reference": "d1"}
    status, first = ask("POST", "/deposits", deposit)
    assert (status, first["outcome"], first["balance"]) == (200, "applied", "15.50")
    for _ in range(3):
        assert ask("POST", "/deposits", deposit) == (200, {**first, "outcome": "replayed"})
    assert ask("POST", "/deposits", {**deposit, "amount": "11"})[1]["outcome"] == "reference_reused"
    withdrawal = {**wallet, "amount": "15.51", "reference": "w1"}
    assert ask("POST", "/withdrawals", withdrawal) == (
        409,
        {"outcome": "insufficient_balance", "currency": "EUR", "balance": "15.50"},
    )
    assert ask("POST", "/withdrawals", {**withdrawal, "amount": "15.50"})[1]["balance"] == "0.00"
    assert ask("GET", f"/players/{user}/wallets/EUR") == (
        200,
        {"outcome": "applied", "currency": "EUR", "balance": "0.00"},
    )


def test_the_documented_deposit_is_answered_as_shown(ask, platform, new_player):
    user = f"{new_player().user_id}-doc"
    assert ask("POST", "/wallets", {"user_id": user, "currency": "EUR"})[0] == 200
    [(typed, shown)] = re.findall(r"```sh\n(curl .*?)```\n\n```text\n(.*?)\n```", PAGE.read_text(), re.DOTALL)
    command = typed.replace("127.0.0.1:8080", f"127.0.0.1:{platform.port}").replace("anna", user)
    done = subprocess.run(
        ["bash", "-c", command],
        env={**ENVIRONMENT, "WALLET_OPERATOR_TOKEN": TOKEN},
        capture_output=True,
        text=True,
    )
    assert re.fullmatch(re.escape(shown).replace("…", ".+"), done.stdout), done


def test_deposits_are_in_the_log_as_they_were_sent(ask, player):
    body = {"user_id": player.user_id, "currency": "USD", "amount": 1.50, "reference": "d1", "note": "by card"}
    _, answer = ask("POST", "/deposits", body)
    [row] = player.query("SELECT id::text AS id, call, amount, sent FROM transactions")
    assert (row.id, row.call, row.amount) == (answer["transaction_id"], "deposit", 1.5)
    assert row.sent == body


def test_freezing(ask, player):
    path = f"/players/{player.user_id}"
    assert ask("POST", f"{path}/freeze", {"by": "anna", "reason": "fraud alert"}) == (200, {"outcome": "applied"})
    assert ask("POST", f"{path}/freeze", {"by": "anna", "reason": "again"}) == (200, {"outcome": "replayed"})
    assert player.bet("1").outcome.value == "player_frozen"
    assert ask("POST", f"{path}/unfreeze", {"by": "ben", "reason": "cleared"}) == (200, {"outcome": "applied"})
    rows = player.query("SELECT kind, by_whom, why FROM actions", "ORDER BY at")
    assert [tuple(row) for row in rows] == [("freeze", "anna", "fraud alert"), ("unfreeze", "ben", "cleared")]


@pytest.mark.parametrize("token", ["wrong", "test-token", f"other,{TOKEN}", "ü"])
def test_wrong_token(ask, player, token):
    body = {"user_id": player.user_id, "currency": "USD", "amount": "1", "reference": "d1"}
    answer = ask("POST", "/deposits", body, token=token)
    assert answer == (401, {"outcome": "credentials_wrong"})
    assert player.log() == []


def test_lucky_monacos_token_opens_nothing_here(platform, player):
    response = platform.post(
        f"/operator/deposits?authToken={TOKEN}",
        {"user_id": player.user_id, "currency": "USD", "amount": "1", "reference": "d1"},
    )
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"user_id": "nobody"}, (404, {"outcome": "player_unknown"})),
        ({"currency": "EUR"}, (404, {"outcome": "wallet_unknown", "currency": "EUR"})),
        ({"currency": "ZZZ"}, (400, {"outcome": "currency_unknown", "field": "currency"})),
        ({"amount": "-1"}, (400, {"outcome": "invalid_amount", "field": "amount"})),
        ({"amount": None}, (400, {"outcome": "invalid_parameter", "field": "amount"})),
        ({"reference": ""}, (400, {"outcome": "empty_field", "field": "reference"})),
        ({"reference": "x" * 65}, (400, {"outcome": "invalid_parameter", "field": "reference"})),
    ],
)
@pytest.mark.parametrize("path", ["/deposits", "/withdrawals"])
def test_bad_input_changes_nothing(ask, player, path, change, answer):
    body = {"user_id": player.user_id, "currency": "USD", "amount": "1", "reference": "d1"}
    assert ask("POST", path, {**body, **change}) == answer
    assert player.log() == []


@pytest.mark.parametrize("user", ["x" * 33, "a%00b", "%20", "a%0Ab"])
def test_names_in_paths_are_bounded_too(ask, user):
    assert ask("GET", f"/players/{user}/wallets/USD")[0] == 400
    assert ask("POST", f"/players/{user}/freeze", {"by": "me", "reason": "x"})[0] == 400


@pytest.mark.parametrize("body", [{}, {"by": "me"}, {"by": "me", "reason": " "}, {"by": "", "reason": "x"}])
def test_freezing_needs_who_and_why(ask, player, body):
    assert ask("POST", f"/players/{player.user_id}/freeze", body)[0] == 400
    assert player.query("SELECT * FROM actions") == []


def test_malformed_bodies_and_unknown_paths_answer_json(ask, platform):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    assert platform.http.post("/operator/deposits", content="{", headers=headers).status_code == 400
    assert ask("GET", "/nothing")[0] == 404
    assert ask("GET", "/deposits")[0] == 405


def test_without_a_token_configured_there_is_no_such_path(service):
    assert service.post("/operator/deposits", {}).status_code == 404
