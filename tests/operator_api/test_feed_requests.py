"""The feed over HTTP: pages, cursors, both forms, and what it refuses."""

import csv
import json
import re
import subprocess
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.conftest import ENVIRONMENT, Service
from wallet_service.ledger.feed import Position
from wallet_service.operator_api.feed_text import write_cursor

TOKEN = "platform-token"
UNUSUAL = "ü\u2028x"
"""To some readers of lines it has two."""
PAGE = Path(__file__).parent.parent.parent / "docs" / "operator-api.md"


@pytest.fixture(scope="module")
def platform(database_url):
    service = Service(database_url, WALLET_OPERATOR_TOKEN=TOKEN, WALLET_LOG_LEVEL="WARNING")
    yield service
    service.stop()


@pytest.fixture(scope="module")
def get(platform):
    def get(path="/transactions", token=TOKEN, **query):
        headers = {"Authorization": f"Bearer {token}"}
        return platform.http.get(f"/operator{path}", params=query, headers=headers)

    return get


@pytest.fixture(scope="module")
def written(platform, get, new_player):
    """Four transactions of a player, once the feed has them, and the cursor before them."""
    player = new_player()
    with player.engine.connect() as connection:
        now = connection.scalar(text("SELECT clock_timestamp()"))
    start = write_cursor(Position(now, UUID(int=0)))
    player.bet("10", round_id="r1", reference="=1+1")
    player.refund("r1", reference="b;=2")
    player.bet("0.123456789012345678", round_id="r2", reference="plain")
    player.win("bonus_win", "5", reference=UNUSUAL, bonus_code="+code")
    while get(after=start, limit=10).text.count("\n") != 4:
        pass
    return player, start


def rows(response):
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/x-ndjson; charset=utf-8")
    return [json.loads(line) for line in response.text.splitlines()]


def test_a_page_has_each_transaction_in_a_line(get, written):
    player, start = written
    bet, refund, exact, win = rows(get(after=start))
    [stored] = player.query("SELECT id::text AS id, at FROM transactions", "ORDER BY seq LIMIT 1")
    assert bet == {
        "at": stored.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "user_id": player.user_id,
        "currency": "USD",
        "seq": 1,
        "transaction_id": stored.id,
        "call": "bet",
        "round_id": "r1",
        "game_id": "g1",
        "reference": "=1+1",
        "amount": "-10.00",
        "balance": "90.00",
        "stated": "10.00",
        "bonus_code": None,
    }
    assert (refund["call"], refund["amount"], refund["stated"]) == ("refund", "10.00", None)
    assert exact["amount"] == "-0.123456789012345678"
    assert (win["reference"], win["bonus_code"], win["round_id"], win["game_id"]) == (UNUSUAL, "+code", None, None)


@pytest.mark.parametrize("limit", [1, 3, 4])
def test_pages_follow_one_another_and_the_last_is_empty(get, written, limit):
    _, start = written
    found, after = [], start
    while page := rows(response := get(after=after, limit=limit)):
        assert len(page) <= limit
        found += page
        after = response.headers["X-Next-Cursor"]
    assert found == rows(get(after=start))
    assert response.headers["X-Next-Cursor"] == after
    complete_to = datetime.fromisoformat(response.headers["X-Complete-To"])
    assert complete_to > datetime.fromisoformat(found[-1]["at"])


def test_csv_says_the_same_and_is_harmless_in_a_spreadsheet(get, written):
    _, start = written
    response = get("/transactions.csv", after=start)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["X-Next-Cursor"] == get(after=start).headers["X-Next-Cursor"]
    found = list(csv.DictReader(StringIO(response.text, newline="")))
    assert [row["reference"] for row in found] == ["'=1+1", "b;'=2", "plain", UNUSUAL]
    assert [row["amount"] for row in found] == [row["amount"] for row in rows(get(after=start))]
    assert found[3]["bonus_code"] == "'+code"
    assert found[0]["bonus_code"] == ""


def test_the_feed_begins_with_the_first_transaction_of_all(get, written):
    player, _ = written
    with player.engine.connect() as connection:
        first = connection.scalar(text("SELECT id::text FROM transactions ORDER BY at, id LIMIT 1"))
    assert rows(get(limit=1))[0]["transaction_id"] == first


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": ""}, "after"),
        ({"after": "x"}, "after"),
        ({"after": "x" * 33}, "after"),
        ({"after": "_" * 32}, "after"),
        ({"after": "é" * 32}, "after"),
        ({"after": f"{'A' * 31}'"}, "after"),
        ({"limit": "0"}, "limit"),
        ({"limit": "10001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1e3"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"afer": "A" * 32}, "query"),
    ],
)
@pytest.mark.parametrize("path", ["/transactions", "/transactions.csv"])
def test_what_it_does_not_understand_it_refuses(get, path, query, field):
    response = get(path, **query)
    assert (response.status_code, response.json()) == (400, {"outcome": "invalid_parameter", "field": field})


def test_a_wrong_token_reads_nothing(get):
    response = get(token="wrong")
    assert (response.status_code, response.json()) == (401, {"outcome": "credentials_wrong"})
    assert "X-Next-Cursor" not in response.headers


def test_nothing_is_posted_here(platform):
    response = platform.http.post("/operator/transactions", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 405


def test_the_documented_commands_follow_the_feed(platform, written, tmp_path):
    player, _ = written
    [commands] = [
        block for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL) if "feed.cursor" in block
    ]
    environment = {**ENVIRONMENT, "WALLET_OPERATOR_TOKEN": TOKEN, "WALLET": f"http://127.0.0.1:{platform.port}"}
    page = tmp_path / "feed.page"
    while not page.exists() or page.read_text():
        result = subprocess.run(["bash", "-c", commands], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert (result.returncode, result.stderr) == (0, "")
    found = [json.loads(line)["transaction_id"] for line in (tmp_path / "transactions.jsonl").read_text().splitlines()]
    assert len(found) == len(set(found))
    assert {row.id for row in player.query("SELECT id::text AS id FROM transactions")} <= set(found)
