"""One JSON line a call, and never a secret in it."""

import io
import json
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

from tests.conftest import SECRETS, signed
from wallet_service import logs
from wallet_service.logs import _Lines


def test_a_line_for_each_call_and_no_secret(new_service, player):
    service = new_service()
    refund = {"userId": player.user_id, "providerId": "LM", "reference": "f1", "roundId": "r1", "token": "player-token"}
    answer = service.v4("Refund", {**refund, "brandNew": "1", "x" * 100: "2"}).json()
    wrong = {**refund, "hash": "0" * 32}
    service.post("/V4/Refund?MEMB_ID=test-operator&HASH=test-token", wrong)
    service.post("/v4/Refund?authToken=a-guess", refund)
    service.post("/v4/Nothing?authToken=test-token", refund)
    service.v4_02("Refund", {**refund, "roundId": True})
    assert service.stop() == 0

    lines = [json.loads(line) for line in service.log if line.startswith("{")]
    calls = [line for line in lines if line["event"] == "call"]
    assert [line["outcome"] for line in calls] == [
        "applied",
        "credentials_wrong",
        "credentials_wrong",
        "invalid_parameter",
    ]
    first = calls[0]
    assert first["id"] == answer["transactionId"]
    assert (first["version"], first["call"], first["roundId"], first["reference"]) == ("V4", "Refund", "r1", "f1")
    assert first["unknown_fields"] == ["brandNew", "x" * 64]
    assert isinstance(first["duration_ms"], float)
    assert calls[3]["field"] == "roundId"
    assert [(line["path"], line["status"]) for line in lines if line["event"] == "not a call"] == [("/v4/Nothing", 404)]

    log = "".join(service.log)
    given = signed({**refund, "brandNew": "1", "x" * 100: "2"}, SECRETS["WALLET_HASH_SECRET"])
    for secret in (*SECRETS.values(), "a-guess", "player-token", given, "0" * 32):
        assert secret not in log.replace('"partner_id"', ""), secret


def test_a_fault_of_ours_is_logged_whole_and_told_to_nobody(new_service, new_player, owner):
    service = new_service()
    player = new_player()
    body = {"userId": player.user_id, "providerId": "LM", "currency": "USD", "sessionId": "s", "uuid": "u"}
    drop = "ALTER FUNCTION balance(text, text, json) RENAME TO balance_gone"
    undo = "ALTER FUNCTION balance_gone(text, text, json) RENAME TO balance"
    with owner.connect() as connection:
        connection.exec_driver_sql(drop)
        try:
            response = service.v4_02("Balance", body)
        finally:
            connection.exec_driver_sql(undo)
    assert (response.status_code, response.json()["error"]) == (500, 998)
    assert "balance" not in response.text
    assert service.v4_02("Balance", body).json()["error"] == 0
    service.stop()
    [fault] = [json.loads(line) for line in service.log if '"event": "fault"' in line]
    assert "UndefinedFunction" in fault["exception"]
    assert player.user_id not in fault["exception"], "no parameter of a statement is logged"


def test_half_a_character_in_what_was_sent_is_logged_as_such(new_service, player):
    service = new_service()
    path = "/V4/Refund?MEMB_ID=test-operator&HASH=test-token"
    service.http.post(path, content=b'{"half \\ud800": "1"}', headers={"Content-Type": "application/json"})
    body = {"userId": player.user_id, "providerId": "LM", "reference": "f1", "roundId": "r1", "currency": "USD"}
    rest = {"uuid": "u", "gameId": "g", "gameName": "G", "half \ud800": "1"}
    assert service.v4_02("Refund", {**body, **rest}).json()["error"] == 0
    service.stop()
    [line] = [json.loads(line) for line in service.log if '"applied"' in line]
    assert line["unknown_fields"] == ["half \ud800"]


def test_lines_of_many_threads_are_each_whole(new_service, new_player):
    service = new_service()
    players = [new_player() for _ in range(20)]
    body = {"providerId": "LM", "currency": "USD", "sessionId": "s", "uuid": "u"}
    with ThreadPoolExecutor(20) as pool:
        for player in players * 10:
            pool.submit(service.v4_02, "Balance", {**body, "userId": player.user_id})
    service.stop()
    lines = [json.loads(line) for line in service.log if line.startswith("{")]
    assert Counter(line["userId"] for line in lines if line["event"] == "call") == {
        player.user_id: 10 for player in players
    }


class Held(io.StringIO):
    """A standard error that takes nothing until it may."""

    def __init__(self):
        super().__init__()
        self.asked = Semaphore(0)
        self.may_go = Event()

    def write(self, lines):
        self.asked.release()
        assert self.may_go.wait(30)
        return super().write(lines)


def test_who_writes_takes_one_batch_and_who_finds_two_at_it_goes_on(monkeypatch):
    held = Held()
    monkeypatch.setattr(sys, "stderr", held)
    lines = _Lines()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lines.msg, "1")
        assert held.asked.acquire(timeout=30)
        second = pool.submit(lines.msg, "2")
        while not lines.heir.locked():
            assert not second.done()
        for number in range(3, 6):
            lines.msg(str(number))
        assert held.getvalue() == ""
        held.may_go.set()
        first.result(30)
        second.result(30)
    assert held.getvalue() == "1\n2\n3\n4\n5\n"


def test_lines_that_nobody_takes_are_dropped_and_counted(monkeypatch):
    held = Held()
    monkeypatch.setattr(sys, "stderr", held)
    monkeypatch.setattr(logs, "MAX_LEFT", 3)
    lines = _Lines()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(lines.msg, "1")]
        assert held.asked.acquire(timeout=30)
        waiting.append(pool.submit(lines.msg, "2"))
        while not lines.heir.locked():
            assert not waiting[1].done()
        for number in range(3, 9):
            lines.msg(str(number))
        held.may_go.set()
    dropped = '{"event": "log lines dropped", "number": 4, "level": "warning"}'
    assert held.getvalue() == f"1\n{dropped}\n2\n3\n4\n"
