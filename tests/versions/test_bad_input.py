"""What bad input gets: always a clear JSON error in the caller's shape, and nothing changes."""

import json
import socket

import pytest

from tests.conftest import signed
from wallet_service.ledger.calls import Bet

TOKEN = "authToken=test-token"
LARGEST_BODY = 64 * 1024

BALANCE = {"providerId": "LM", "currency": "USD", "sessionId": "s", "uuid": "u"}
BET = {
    **BALANCE,
    "amount": "1",
    "reference": "b9",
    "roundId": "r9",
    "gameId": "g",
    "gameName": "Game",
    "roundDetails": "spin",
    "timestamp": "1760000000000",
}
REFUND = {
    "providerId": "LM",
    "currency": "USD",
    "uuid": "u",
    "reference": "f9",
    "roundId": "r9",
    "gameId": "g",
    "gameName": "Game",
}
CALLS = {"Balance": BALANCE, "Bet": BET, "Refund": REFUND}
LENGTHS = {
    "providerId": 32,
    "userId": 32,
    "uuid": 36,
    "sessionId": 256,
    "reference": 32,
    "roundId": 36,
    "gameId": 32,
    "gameName": 32,
}
FIELDS = [(call, name) for call, fields in CALLS.items() for name in ("userId", *fields)]


@pytest.fixture
def untouched(player):
    """A player with a round; whatever the test sends, nothing of it may change."""
    player.bet("10")
    yield player
    assert [call for call, _ in player.log()] == ["bet"]
    assert player.query("SELECT * FROM refusals") == []


def send(service, call, player, **changes):
    fields = {"userId": player.user_id, **CALLS[call], **changes}
    return service.v4_02(call, {name: value for name, value in fields.items() if value is not ...})


@pytest.mark.parametrize(("call", "name"), FIELDS)
def test_missing_mandatory_field(service, untouched, call, name):
    answer = send(service, call, untouched, **{name: ...}).json()
    assert answer == {"error": 64, "description": f"Empty mandatory field '{name}'"}


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize(("call", "name"), FIELDS)
def test_empty_mandatory_field(service, untouched, call, name, empty):
    answer = send(service, call, untouched, **{name: empty}).json()
    assert answer == {"error": 64, "description": f"Empty mandatory field '{name}'"}


@pytest.mark.parametrize(("call", "name"), [pair for pair in FIELDS if pair[1] in LENGTHS])
def test_identifiers_may_be_as_long_as_the_contract_says_and_no_longer(service, player, call, name):
    length = LENGTHS[name]
    assert send(service, call, player, **{name: "x" * length}).json()["error"] in {0, 62}
    answer = send(service, call, player, **{name: "x" * (length + 1)}).json()
    assert answer == {"error": 57, "description": f"Invalid parameter '{name}'"}


@pytest.mark.parametrize("value", [True, 1.5, None, [], ["a"], {}, "a\x00b", "a\nb", "\ud800", 10**40])
@pytest.mark.parametrize(("call", "name"), [pair for pair in FIELDS if pair[1] in LENGTHS and pair[1] != "sessionId"])
def test_identifiers_are_strings_or_integers_that_can_be_printed(service, untouched, call, name, value):
    answer = send(service, call, untouched, **{name: value}).json()
    assert answer == {"error": 57, "description": f"Invalid parameter '{name}'"}


@pytest.mark.parametrize("name", ["userId", "reference", "roundId"])
def test_integers_are_taken_as_their_text(service, player, name):
    body = {"userId": player.user_id, **REFUND, name: 12345678901234567890}
    assert service.v4_02("Refund", body).json()["error"] == (62 if name == "userId" else 0)


@pytest.mark.parametrize("value", ["usd", "U", 840, None, ["USD"], "U$D", "X" * 11])
def test_currency_that_is_no_code(service, untouched, value):
    assert send(service, "Refund", untouched, currency=value).json()["error"] == 57


@pytest.mark.parametrize("value", ["ZZZ", "US", "USDT"])
def test_currency_code_that_is_not_known(service, untouched, value):
    answer = send(service, "Refund", untouched, currency=value).json()
    assert answer == {"error": 71, "description": "Currency code unknown"}


def test_extra_currencies_and_all_their_digits(new_service, new_player):
    service = new_service(WALLET_EXTRA_CURRENCIES="BTC,USDT")
    player = new_player("99999999999999.999999999999999999", "BTC")
    answer = send(service, "Bet", player, currency="BTC", amount="0.000000000000000001").json()
    assert answer["cash"] == "99999999999999.999999999999999998"
    answer = send(service, "Balance", player, currency="BTC").json()
    assert answer["cash"] == "99999999999999.999999999999999998"


@pytest.mark.parametrize(
    "value",
    [
        "-1",
        "-0.01",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "1e-400",
        "1e99999999999",
        "0.0000000000000000001",
        "123456789012345678901234567890123",
        "100000000000000",
        "1_000",
        "1,000",
        "0x10",
        "\u0661",
        "one",
        True,
        None,
        [],
        {},
    ],
)
def test_amounts_that_are_none(service, untouched, value):
    answer = send(service, "Bet", untouched, amount=value).json()
    # Null is no value at all: a wrong parameter, like that of any other mandatory field.
    error = {"error": 57, "description": "Invalid parameter 'amount'"} if value is None else None
    assert answer == (error or {"error": 59, "description": "Invalid amount 'amount'"})


@pytest.mark.parametrize("number", ["-1", "NaN", "Infinity", "1e400", "0.0000000000000000001", "1" * 33, "1" * 50_000])
def test_amounts_that_are_none_as_bare_numbers(service, untouched, number):
    body = json.dumps({"userId": untouched.user_id, **BET, "amount": 0}).replace('"amount": 0', f'"amount": {number}')
    response = service.post(f"/v4/Bet?{TOKEN}", content=body, headers={"Content-Type": "application/json"})
    assert response.json() == {"error": 59, "description": "Invalid amount 'amount'"}


def test_the_first_error_in_the_order_of_answers_is_the_answer(service, untouched):
    answer = send(service, "Bet", untouched, uuid=..., amount="-1", roundId=True).json()
    assert answer == {"error": 57, "description": "Invalid parameter 'roundId'"}
    assert send(service, "Bet", untouched, uuid=..., amount="-1").json()["error"] == 59


def test_two_spellings_that_disagree(service, untouched):
    answer = send(service, "Refund", untouched, roundid="r1").json()
    assert answer == {"error": 57, "description": "Invalid parameter 'roundId'"}


def test_another_players_round_moves_nothing_for_either(service, new_player):
    owner, other = new_player(), new_player()
    owner.bet("10", round_id="r9")
    assert send(service, "Refund", other).json()["error"] == 0
    assert (owner.balance(), other.balance()) == (90, 100)
    assert [call for call, _ in owner.log()] == ["bet"]


def test_provider_is_checked_where_one_is_set(new_service, player):
    service = new_service(WALLET_PROVIDER_ID="LuckyMonaco")
    answer = send(service, "Balance", player).json()
    assert answer == {"error": 57, "description": "Invalid parameter 'providerId'"}
    assert send(service, "Balance", player, providerId="LuckyMonaco").json()["error"] == 0


JSON_TYPE = {"Content-Type": "application/json"}


@pytest.mark.parametrize("prefix", ["/v4", "/V4"])
@pytest.mark.parametrize(
    ("status", "method", "path", "options"),
    [
        (404, "POST", "/Nothing", {"json": {}}),
        (404, "POST", "/Refund/", {"json": {}}),
        (404, "GET", "/static/x", {}),
        (404, "POST", "//Refund", {"json": {}}),
        (405, "GET", "/Refund", {}),
        (405, "DELETE", "/Refund", {}),
        (405, "OPTIONS", "/Refund", {}),
        (413, "POST", "/Refund", {"content": b" " * (LARGEST_BODY + 1), "headers": JSON_TYPE}),
        (415, "POST", "/Refund", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
        (415, "POST", "/Refund", {"data": {"userId": "x"}}),
        (415, "POST", "/Refund", {"content": b"{}"}),
        *(
            (400, "POST", "/Refund", {"content": content, "headers": JSON_TYPE})
            for content in (
                b"",
                b"{",
                b"[]",
                b'"text"',
                b"null",
                b"{} {}",
                b'{"a": 1,}',
                b'{"a" 1}',
                b"{1: 1}",
                b"{'a': 1}",
                b'{"a": 1 "b": 2}',
                b'{"a": [NaN]}',
                b'{"a": 1, "a": 1}',
                b'{"a": "\x01"}',
                b'{"a": "\xff"}',
                b'\xef\xbb\xbf{"a": 1}',
                '{"a": 1}'.encode("utf-16"),
                b'{"a": ' + b"[" * 60_000,
                b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}",
            )
        ),
    ],
)
def test_what_is_no_wallet_call_at_all(service, prefix, status, method, path, options):
    path = f"{prefix}{path}?{TOKEN}"
    response = service.http.request(method, path, **options)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    answer = response.json()
    if prefix == "/V4":
        assert answer["error"].keys() == {"code", "message"}
        assert answer["error"]["code"] == "V.57"
    else:
        assert answer.keys() == {"error", "description"}
        assert answer["error"] == 57


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/admin", "/v4", "/V4"])
def test_unknown_paths_elsewhere_answer_json_too(service, path):
    response = service.http.get(path)
    assert (response.status_code, response.json()["error"]) == (404, 57)


def test_a_doubled_slash_in_front_is_unknown_too(service):
    response = service.http.post(f"//v4//Refund?{TOKEN}", json={})
    assert (response.status_code, response.headers["Content-Type"]) == (404, "application/json")
    assert "test-token" not in response.text


def test_credentials_in_a_body_are_not_kept_however_they_are_spelt(service, player):
    secrets = {"authToken": "secret-1", "HASH": "secret-2", "Token": "secret-3"}
    assert service.v4_02("Refund", {"userId": player.user_id, **REFUND, **secrets}).json()["error"] == 0
    [row] = player.query("SELECT sent::text AS sent FROM transactions")
    assert "secret" not in row.sent


def test_a_space_of_another_kind_is_no_reason_to_refuse(service, player):
    answer = send(service, "Refund", player, gameName="Lucky\u00a0Twenty").json()
    assert answer["error"] == 0


def test_v4_has_the_providers_check_too(new_service, player):
    service = new_service(WALLET_PROVIDER_ID="LuckyMonaco")
    body = {"userId": player.user_id, "providerId": "LM", "reference": "f9"}
    assert service.v4("Refund", body).json()["error"] == {"code": "V.57", "message": "INVALID PARAMETER 'providerId'"}
    assert player.log() == []


def test_v4_currency_and_the_white_label_prefix_are_as_set(new_service, new_player):
    service = new_service(WALLET_V4_CURRENCY="EUR", WALLET_V402_PREFIX="/v1")
    player = new_player("100", "USD")
    player.open("EUR", "5.5")
    body = {"userId": player.user_id, "providerId": "LM"}
    assert service.v4("Balance", body).text == '{"currency": "EUR", "cash": 5.50, "error": 0, "description": "Success"}'
    balance = {"userId": player.user_id, **BALANCE}
    assert service.post(f"/v1/Balance?{TOKEN}", balance).json()["cash"] == "100.00"
    assert service.post(f"/v4/Balance?{TOKEN}", balance).status_code == 404


def test_v4_without_a_currency_and_with_two_wallets(service, player):
    player.open("EUR", "5.5")
    for call, body in {"Balance": {}, "Refund": {"reference": "f9"}}.items():
        response = service.v4(call, {"userId": player.user_id, "providerId": "LM", **body})
        assert (response.status_code, response.json()["error"]["code"]) == (404, "G.14")


def test_v4_logs_the_stated_amount(service, player):
    player.bet("10")
    body = {"userId": player.user_id, "providerId": "LM", "reference": "b1", "amount": "3"}
    assert service.v4("Refund", body).json()["error"] == 0
    row = player.query("SELECT amount, stated FROM transactions", "ORDER BY seq")[-1]
    assert (row.amount, row.stated) == (10, 3)


def test_a_body_of_exactly_64_kib_is_read(service, player):
    body = json.dumps({"userId": player.user_id, **REFUND}).encode()
    body += b" " * (LARGEST_BODY - len(body))
    response = service.post(f"/v4/Refund?{TOKEN}", content=body, headers=JSON_TYPE)
    assert response.json()["error"] == 0


def test_a_body_without_an_announced_length_is_bounded_too(service):
    chunks = (b" " * 4096 for _ in range(LARGEST_BODY // 4096 + 1))
    response = service.post(f"/v4/Refund?{TOKEN}", content=chunks, headers=JSON_TYPE)
    assert response.status_code == 413


def test_content_type_may_name_a_charset(service, player):
    body = json.dumps({"userId": player.user_id, **REFUND})
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    assert service.post(f"/v4/Refund?{TOKEN}", content=body, headers=headers).json()["error"] == 0


def test_what_is_sent_is_kept_as_sent_without_credentials(service, player):
    body = (
        f'{{"userId": "{player.user_id}", "providerId": "LM", "reference":"b1", "roundId": "r1", "hash": "HASH",'
        ' "amount": 10.00, "token": "player-token", "roundDetails": {"a":[1.50, "\\u0000\\ud800"]} }'
    )
    fields = {"userId": player.user_id, "providerId": "LM", "reference": "b1", "roundId": "r1", "amount": "10.00"}
    fields |= {"token": "player-token", "roundDetails": '{"a":[1.50, "\\u0000\\ud800"]}'}
    body = body.replace("HASH", signed(fields, "test-secret"))
    path = "/V4/Refund?MEMB_ID=test-operator&HASH=test-token"
    assert service.post(path, content=body, headers=JSON_TYPE).json()["error"] == 0
    [row] = player.query("SELECT sent::text AS sent, stated FROM transactions")
    assert "10.00" in row.sent
    assert '{"a":[1.50, "\\u0000\\ud800"]}' in row.sent
    assert "hash" not in row.sent
    assert "token" not in row.sent


def test_a_request_cut_off_half_way_harms_nobody(service, player):
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(
            f"POST /v4/Refund?{TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            "Content-Length: 100\r\n\r\n{".encode()
        )
    assert send(service, "Balance", player).json()["error"] == 0


def test_calls_of_the_ledger_have_no_field_a_sender_cannot_be_held_to():
    """Each field of a Bet comes from a schema field with a bound; a new one must be thought about here."""
    assert set(Bet.__slots__) == {
        "user_id", "currency", "round_id", "game_id", "reference", "amount", "bonus_code", "sent",
    }  # fmt: skip
