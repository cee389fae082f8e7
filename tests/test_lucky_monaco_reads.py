"""GetRoundStatus and GetGameRounds, asked of a real server: exact amounts, and repeats where they are safe."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from tests.stand import OK, PARTNER, SILENCE, TOKEN, http, refused, reveals
from wallet_service.lucky_monaco import Answer, GameRound, LuckyMonacoError, Reply, RoundPage, RoundStatus

STATUS = {"error": "0", "roundStatus": "Cancelled", "betAmount": 10.10, "winAmount": "0", "currency": "USD"}


@pytest.mark.parametrize("version", ["v4", "v4.02"])
def test_round_status(stand, new_client, version):
    exact = json.dumps(STATUS).replace("10.1", "10.100000000000000001")
    stand.will(http(200, exact), http(200, STATUS | {"winAmount": None, "betAmount": "99899.99"}), http(200, STATUS))
    lucky_monaco = new_client(version)
    first = lucky_monaco.round_status("123456789012345678901234567890")
    assert first == RoundStatus("Cancelled", "USD", Decimal("10.100000000000000001"), Decimal(0))
    assert lucky_monaco.round_status("007") == RoundStatus("Cancelled", "USD", Decimal("99899.99"), None)
    lucky_monaco.round_status("0")
    assert {path for path, _ in stand.asked} == {"/history/GetRoundStatus"}
    fields = {"secureLogin": PARTNER, "token": TOKEN}
    for body, number in zip(stand.bodies, [123456789012345678901234567890, "007", 0], strict=True):
        assert UUID(body.pop("uuid"))
        assert body == fields | {"roundId": number}


ROUND = {
    "dateTime": "2025-03-30 03:30:00",
    "gameId": "vs20lucky",
    "gameName": "Lucky\tTwenty",
    "roundId": 12345678901234567890,
    "userId": "u1",
    "currency": "USD",
    "betAmount": "10.00",
    "winAmount": 0.5,
    "balance": 1e2,
    "roundStatus": "Completed",
    "roundDetails": {"any": ["thing"]},
}


def test_game_rounds(stand, new_client):
    bare = {"roundId": "r2", "userId": "u1", "currency": "USD", "betAmount": 0, "roundStatus": "InProgress"}
    stand.will(
        http(200, {"error": 0, "totalRounds": 3, "rounds": [ROUND, bare]}),
        http(200, {"error": 0, "totalRounds": "0"}),
    )
    lucky_monaco = new_client()
    seoul = timezone(timedelta(hours=9))
    start, end = datetime(2025, 3, 30, 1, 2, 3, 456, seoul), datetime(2025, 3, 31, tzinfo=UTC)
    page = lucky_monaco.game_rounds(start, end, page=2, limit=10, user_id="u1", game_id="vs20lucky")
    ten, half, hundred = Decimal("10.00"), Decimal("0.5"), Decimal("100.0")
    number, name = "12345678901234567890", r"Lucky\tTwenty"
    at = "2025-03-30 03:30:00"
    assert page == RoundPage(
        3,
        (
            GameRound(number, "u1", "vs20lucky", name, at, "Completed", "USD", ten, half, hundred),
            GameRound("r2", "u1", "", "", "", "InProgress", "USD", Decimal(0), None, None),
        ),
    )
    assert lucky_monaco.game_rounds(end, end, page=0) == RoundPage(0, ())
    assert {path for path, _ in stand.asked} == {"/history/GetGameRounds"}
    first, second = stand.bodies
    assert UUID(first.pop("uuid")) != UUID(second.pop("uuid"))
    dates = {"dateStart": "2025-03-30 01:02:03", "dateEnd": "2025-03-31 09:00:00", "timeZone": "GMT+09:00"}
    named = {"userId": "u1", "gameId": "vs20lucky", "page": 2, "limit": 10}
    assert first == {"secureLogin": PARTNER, "token": TOKEN, **dates, **named}
    dates = {"dateStart": "2025-03-31 00:00:00", "dateEnd": "2025-03-31 00:00:00", "timeZone": "GMT+00:00"}
    assert second == {"secureLogin": PARTNER, "token": TOKEN, **dates, "page": 0, "limit": 1000}


def test_a_page_may_be_large_where_a_status_may_not(stand, new_client):
    rounds = [ROUND | {"roundDetails": "x" * 60_000}] * 100
    stand.will(
        http(200, {"error": 0, "totalRounds": 100, "rounds": rounds}), http(200, STATUS | {"x": "x" * (1 << 20)})
    )
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    assert len(new_client().game_rounds(noon, noon, page=0).rounds) == 100
    with pytest.raises(LuckyMonacoError, match="larger than 1048576 bytes"):
        new_client().round_status("1")
    assert len(stand.asked) == 2, "and it is not asked for again"


@pytest.mark.parametrize(
    "arguments",
    [
        {"page": -1},
        {"limit": 0},
        {"limit": 1001},
        {"user_id": ""},
        {"start": datetime(2025, 1, 1)},  # noqa: DTZ001 - that is the mistake
        {"end": datetime(2025, 1, 1)},  # noqa: DTZ001 - as above
    ],
)
def test_a_page_that_cannot_be_meant_is_not_asked_for(stand, new_client, arguments):
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    stand.will(OK)
    with pytest.raises(ValueError, match="must"):
        new_client().game_rounds(**{"start": noon, "end": noon, "page": 0} | arguments)
    assert stand.asked == []
    new_client().cancel_round("u1", "r1", None)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"betAmount": None}, "betAmount is missing"),
        ({"betAmount": True}, "betAmount is not an amount: not a decimal number"),
        ({"winAmount": "-1"}, "winAmount is not an amount: negative"),
        ({"balance": "1e99"}, "balance is not an amount: more than 14 digits before the point"),
        ({"roundId": ""}, "roundId is missing"),
        ({"userId": {}}, "userId is missing"),
    ],
)
def test_a_round_that_cannot_be_read_spoils_the_page(stand, new_client, changed, told):
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    stand.will(http(200, {"error": 0, "totalRounds": 2, "rounds": [ROUND, ROUND | changed]}))
    with pytest.raises(LuckyMonacoError) as error:
        new_client().game_rounds(noon, noon, page=0)
    assert error.value.reply == Reply(Answer.UNKNOWN, "", told)


@pytest.mark.parametrize("odd", [{"totalRounds": 1}, {"rounds": []}, {"totalRounds": "x", "rounds": []}])
@pytest.mark.parametrize("rounds", [{}, {"rounds": {}}, {"rounds": [1]}])
def test_a_page_of_another_shape(stand, new_client, odd, rounds):
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    stand.will(http(200, {"error": 0, **odd, **rounds}))
    with pytest.raises(LuckyMonacoError, match=r"^unknown (totalRounds|rounds) is not"):
        new_client().game_rounds(noon, noon, page=0)


@pytest.mark.parametrize(
    "failure",
    [
        http(503, "<html>"),
        http(500, {"error": 998, "description": "again"}),
        (SILENCE,),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{", b""),
    ],
    ids=["html", "998", "silence", "half"],
)
def test_a_read_is_tried_again_and_not_for_ever(stand, new_client, failure):
    stand.will(failure, failure, http(200, STATUS), failure, failure, failure, OK)
    lucky_monaco = new_client(read_timeout=1)  # long enough for the good answer on a busy machine
    assert lucky_monaco.round_status("1").state == "Cancelled"
    assert len({body["uuid"] for body in stand.bodies}) == 3, "each attempt is a request of its own"
    with pytest.raises(LuckyMonacoError) as error:
        lucky_monaco.round_status("1")
    assert error.value.reply.answer is Answer.UNKNOWN
    assert not reveals(f"{error.value!r} {error.value}")
    assert len(stand.asked) == 6


@pytest.mark.parametrize(
    "answer", [http(200, {"error": 17, "description": TOKEN}), http(404, refused("G.5")), http(200, "<")]
)
def test_a_read_that_was_answered_is_not_tried_again(stand, new_client, answer):
    stand.will(answer, http(200, STATUS))
    with pytest.raises(LuckyMonacoError, match=r"^(refused 17 …|refused G\.05 INVALID|unknown HTTP 200 .*)$"):
        new_client().round_status("1")
    assert len(stand.asked) == 1
