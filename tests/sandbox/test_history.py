"""GetRoundStatus and GetGameRounds through the operator's real client, and what they refuse."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import httpx
import pytest

from wallet_service.lucky_monaco import LuckyMonacoError, RoundStatus

ROUND = {"secureLogin": "the-partner", "token": "their-token", "uuid": "x", "roundId": 1000}
PAGE = {
    "secureLogin": "the-partner",
    "token": "their-token",
    "uuid": "x",
    "dateStart": "2025-01-01 00:00:00",
    "dateEnd": "2099-01-01 00:00:00",
    "timeZone": "GMT+09:00",
    "page": 1,
    "limit": 1000,
}


def put_back(path, *starts):
    """Give the kept rounds these times of beginning."""
    rounds = json.loads(path.read_text())
    for the_round, start in zip(rounds, starts, strict=True):
        the_round["started_at"] = start
    path.write_text(json.dumps(rounds))


def test_the_status_of_a_round_is_what_was_accepted(wallet, new_sandbox):
    wallet.decide = lambda call, body, _n: "999" if (call, body["roundId"]) == ("Bet", "1001") else "0"
    running = new_sandbox()
    for amount in ("0.10", "7"):
        running.open_round(amount=amount)
    httpx.post(f"{running.url}/sandbox/rounds/1000/result", json={"amount": "1e1"}).raise_for_status()
    assert running.operator.round_status("1000") == RoundStatus("Completed", "USD", Decimal("0.10"), Decimal("10.00"))
    assert running.operator.round_status("1001") == RoundStatus("Cancelled", "USD", Decimal(0), Decimal(0))
    with pytest.raises(LuckyMonacoError, match=r"^refused 17 "):
        running.operator.round_status("999")


def test_rounds_are_listed_in_order_of_time_and_in_pages(new_sandbox, tmp_path):
    path = tmp_path / "rounds.json"
    first = new_sandbox(state=path)
    for user_id, game_id in [("u1", "vs20lucky"), ("u2", "vs20lucky"), ("u1", "vs10gold"), ("u1", "vs20lucky")]:
        first.open_round(user_id, game_id=game_id)
    first.stop()
    put_back(path, *(f"2025-03-30 {time}+00:00" for time in ("12:00:03", "12:00:01", "12:00:02", "12:00:00.900")))

    lucky_monaco = new_sandbox(state=path).operator
    start, end = datetime(2025, 3, 30, 12, tzinfo=UTC), datetime(2025, 3, 30, 12, 0, 3, tzinfo=UTC)
    late = end + timedelta(seconds=1)

    def ids(start, end, page, limit, **of):
        found = lucky_monaco.game_rounds(start, end, page=page, limit=limit, **of)
        return found.total, [the_round.round_id for the_round in found.rounds]

    assert ids(start, late, 1, 1000) == (4, ["1003", "1001", "1002", "1000"])
    assert ids(start, end, 1, 1000) == (3, ["1003", "1001", "1002"]), "the end is not in it"
    assert ids(end, late, 1, 1000) == (1, ["1000"]), "the start is"
    assert [ids(start, late, page, 3) for page in (1, 2, 3)] == [
        (4, ["1003", "1001", "1002"]),
        (4, ["1000"]),
        (4, []),
    ]
    assert ids(start, late, 1, 9, user_id="u1") == (3, ["1003", "1002", "1000"])
    assert ids(start, late, 1, 9, user_id="u1", game_id="vs10gold") == (1, ["1002"])

    seoul = timezone(timedelta(hours=9))
    [_, listed, *_] = lucky_monaco.game_rounds(start.astimezone(seoul), late, page=1).rounds
    assert (listed.at, listed.game_name, listed.user_id) == ("2025-03-30 21:00:01", "Lucky Twenty", "u2")
    assert (listed.state, listed.currency, listed.staked, listed.won) == ("InProgress", "USD", Decimal("2.50"), 0)


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("GetRoundStatus", ROUND, 0),
        ("GetRoundStatus", ROUND | {"roundId": "1000"}, 0),
        ("GetRoundStatus", ROUND | {"roundId": 1}, 17),
        ("GetRoundStatus", ROUND | {"roundId": "x"}, 17),
        ("GetRoundStatus", ROUND | {"roundId": 1.5}, 57),
        ("GetRoundStatus", ROUND | {"roundId": ""}, 64),
        ("GetRoundStatus", ROUND | {"token": "wrong"}, 54),
        ("GetRoundStatus", ROUND | {"secureLogin": "nobody"}, 54),
        ("GetGameRounds", PAGE, 0),
        ("GetGameRounds", PAGE | {"userId": "u1", "gameId": "vs20lucky"}, 0),
        ("GetGameRounds", PAGE | {"token": "wrong"}, 54),
        ("GetGameRounds", PAGE | {"page": 0}, 57),
        ("GetGameRounds", PAGE | {"page": -1}, 57),
        ("GetGameRounds", PAGE | {"limit": 0}, 57),
        ("GetGameRounds", PAGE | {"limit": 1001}, 57),
        ("GetGameRounds", PAGE | {"limit": None}, 64),
        ("GetGameRounds", PAGE | {"timeZone": "Asia/Seoul"}, 57),
        ("GetGameRounds", PAGE | {"timeZone": "GMT+24:00"}, 57),
        ("GetGameRounds", PAGE | {"dateStart": "yesterday"}, 57),
        ("GetGameRounds", PAGE | {"dateEnd": "2025-02-30 00:00:00"}, 57),
        ("GetGameRounds", PAGE | {"dateStart": "0001-01-01 00:00:00"}, 0),
    ],
)
def test_wrong_parameters_are_refused(new_sandbox, path, fields, code):
    running = new_sandbox()
    running.open_round()
    answer = httpx.post(f"{running.url}/history/{path}", json=fields)
    assert (answer.status_code, answer.json()["error"]) == (200, code)


def test_a_round_is_a_number_there(new_sandbox):
    running = new_sandbox()
    running.open_round()
    assert httpx.post(f"{running.url}/history/GetRoundStatus", json=ROUND).json()["roundId"] == 1000
    [listed] = httpx.post(f"{running.url}/history/GetGameRounds", json=PAGE).json()["rounds"]
    assert (listed["roundId"], listed["betAmount"], listed["winAmount"]) == (1000, "2.50", "0.00")
