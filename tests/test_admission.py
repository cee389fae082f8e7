"""More calls than a worker takes on: those that are in are answered, the others are told at once to come again."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

from sqlalchemy import text

from tests.conftest import as_owner
from wallet_service.admission import Admission
from wallet_service.database import create_migration_engine
from wallet_service.early_answers import EarlyAnswer
from wallet_service.metrics import Metrics
from wallet_service.versions.endpoint import Answer

WAITERS = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
WORDS = {"/v4": Answer(200, '{"error": 998}'), "/V4": Answer(503, '{"error": {"code": "G.998"}}')}
BUSY = {
    f"{prefix}/{method}": EarlyAnswer(answer)
    for prefix, answer in WORDS.items()
    for method in ("bet", "refund", "fault")
}


class Held:
    """A WSGI application that keeps whoever enters until it is told to let them go."""

    def __init__(self):
        self.entered = Semaphore(0)
        self.may_go = Event()

    def __call__(self, environ, start_response):
        self.entered.release()
        assert self.may_go.wait(30)
        if environ["PATH_INFO"] == "/v4/Fault":
            raise RuntimeError
        start_response("200 OK", [])
        return [b"in"]


def send(app, path):
    said = []
    body = b"".join(app({"PATH_INFO": path}, lambda status, headers: said.append((status, dict(headers)))))
    status, headers = said[0]
    return status, headers.get("Content-Type"), body


def test_those_beyond_are_turned_away_in_their_version_s_words_and_come_in_later():
    held = Held()
    app = Admission(held, 2, BUSY, Metrics())
    with ThreadPoolExecutor(4) as pool:
        are_in = [pool.submit(send, app, path) for path in ("/v4/Bet", "/V4/Refund")]
        for _ in are_in:
            assert held.entered.acquire(timeout=30)
        assert send(app, "/v4/Bet") == ("200 OK", "application/json", b'{"error": 998}')
        assert send(app, "/V4/Bet") == ("503 Service Unavailable", "application/json", WORDS["/V4"].body.encode())
        assert send(app, "//v4/Bet")[2] == b'{"error": 998}', "a base URL that ends in a slash"
        assert send(app, "/v4/bET")[2] == b'{"error": 998}', "a method in any letter case"
        beside = [pool.submit(send, app, path) for path in ("/healthz", "/v4x/Bet")]
        for _ in beside:
            assert held.entered.acquire(timeout=30), "what is no wallet call is not counted"
        held.may_go.set()
        assert {future.result() for future in are_in + beside} == {("200 OK", None, b"in")}
    assert send(app, "/v4/Bet")[2] == b"in"


def test_a_fault_gives_its_place_back():
    held = Held()
    held.may_go.set()
    app = Admission(held, 1, BUSY, Metrics())
    for _ in range(2):
        try:
            send(app, "/v4/Fault")
        except RuntimeError:
            continue
        raise AssertionError("it was turned away")


def test_a_busy_wallet_turns_calls_away_at_once_and_says_how_many(database_url, new_player, new_service):
    stuck, other = new_player(), new_player()
    service = new_service(WALLET_CALLS_AT_ONCE="1", WALLET_LOG_LEVEL="INFO")
    body = {"providerId": "LM", "sessionId": "s", "uuid": "u", "currency": "USD"}
    bet = {"amount": "1", "reference": "b1", "roundId": "r1", "gameId": "g", "gameName": "G", "roundDetails": "spin"}
    first = {**body, **bet, "timestamp": "1760000000000", "userId": stuck.user_id}
    engine = create_migration_engine(as_owner(database_url))
    with engine.connect() as connection, ThreadPoolExecutor(1) as pool:
        connection.execute(text("SELECT FROM wallets WHERE user_id = :user FOR UPDATE"), {"user": stuck.user_id})
        is_in = pool.submit(service.v4_02, "Bet", first)
        while not connection.scalar(WAITERS):
            assert not is_in.done()
        answer = service.v4_02("Balance", {**body, "userId": other.user_id}).json()
        ended = service.v4_02("EndRound", {**body, "userId": other.user_id}).json()
        assert not is_in.done(), "told while the first call was still in"
        connection.rollback()
        assert is_in.result().json()["error"] == 0
    engine.dispose()
    assert ended["error"] == 997
    assert answer == {"error": 998, "description": "Internal error, resend"}
    assert service.v4_02("Balance", {**body, "userId": other.user_id}).json()["error"] == 0
    service.stop()
    told = [json.loads(line) for line in service.log if '"turned away"' in line]
    assert [line["calls"] for line in told] == [1]  # the second within the same second is told with the next
