"""Request lines and headers of all sorts: each is answered as what it is, or refused before anything reads it."""

import pytest

from tests.hostile.conftest import OPERATOR_TOKEN
from tests.hostile.wire import Wire, head

TOKEN = "authToken=test-token"
BODY = b'{"userId": "nobody", "providerId": "LM", "currency": "USD", "sessionId": "s", "uuid": "u"}'


def call(*lines, path=f"/v4/Balance?{TOKEN}", method="POST", host="Host: x"):
    named = ["Content-Type: application/json", f"Content-Length: {len(BODY)}", *lines]
    return head(f"{method} {path} HTTP/1.1", *([host] if host is not None else []), *named) + BODY


HEADS = {
    "no host": (call(host=None), 200),
    "an empty host": (call(host="Host:"), 200),
    "two hosts": (call("Host: y"), 200),
    "a host that is none": (call(host="Host: a b<>"), 200),
    "a host of other bytes": (call(host="Host: \xff\xfe"), 200),
    "90 headers": (call(*[f"X-{number}: a" for number in range(90)]), 200),
    "5,000 headers": (call(*[f"X-{number}: a" for number in range(5_000)]), 431),
    "one name 90 times": (call(*["X-A: a"] * 90), 200),
    "a header of 20 KB": (call("X-A: " + "a" * 20_000), 200),
    "a header of 100 KB": (call("X-A: " + "a" * 100_000), 431),
    "a header of 10 MB": (call("X-A: " + "a" * 10**7), 431),
    "a name of 20 KB": (call("a" * 20_000 + ": a"), 200),
    "a name of 70 KB": (call("a" * 70_000 + ": a"), 431),
    "a header of NUL": (call("X-A: \0"), 400),
    "a header of other bytes": (call("X-A: \xff\x80"), 200),
    "a header in two lines": (call("X-A: a\r\n b"), 400),
    "a header without a colon": (call("X-A"), 400),
    "a header without a name": (call(": a"), 400),
    "a name with a space": (call("X A: a"), 400),
    "a name with a line feed": (call("X-A\n: a"), 400),
    "a value with a carriage return": (call("X-A: a\rb"), 400),
    "a type of other bytes": (call("Content-Type: \xff"), None),
    "forwarded for 2,000": (call("X-Forwarded-For: " + ", ".join(["10.0.0.1"] * 2_000)), 200),
    "forwarded for nonsense": (call("X-Forwarded-For: \xff, ,,[::, 1.2.3.4:99999999"), 200),
    "a cookie of 20 KB": (call("Cookie: " + "a=b;" * 5_000), 200),
    "a range": (call("Range: bytes=0-18446744073709551615"), 200),
    "NUL in the path": (call(path=f"/v4/\0Balance?{TOKEN}"), 400),
    "a space in the path": (call(path=f"/v4/ Balance?{TOKEN}"), 400),
    "other bytes in the path": (call(path=f"/v4/\xff?{TOKEN}"), None),
    "an escaped NUL": (call(path=f"/v4/%00Balance?{TOKEN}"), 404),
    "escapes that are no UTF-8": (call(path=f"/v4/%ff%feBalance?{TOKEN}"), 404),
    "an escaped surrogate": (call(path=f"/v4/%ed%a0%80?{TOKEN}"), 404),
    "escapes that are none": (call(path=f"/v4/%zz%?{TOKEN}"), 404),
    "an escaped slash": (call(path=f"/v4%2fBalance?{TOKEN}"), 200),
    "an escaped letter": (call(path=f"/v4/%42alance?{TOKEN}"), 200),
    "an escape escaped": (call(path=f"/v4/%2542alance?{TOKEN}"), 404),
    "a doubled slash": (call(path=f"/v4//Balance?{TOKEN}"), 404),
    "a path of slashes": (call(path="/" * 10_000), 404),
    "a way up": (call(path=f"/v4/../v4/Balance?{TOKEN}"), 404),
    "an escaped way up": (call(path="/v4/%2e%2e/%2e%2e/etc/passwd"), 404),
    "a backslash": (call(path="/v4\\Balance"), 404),
    "parameters of a path": (call(path=f"/v4/Balance;a=b?{TOKEN}"), 404),
    "a line feed in a path": (call(path="/v4/%0d%0aX-A:%20b"), 404),
    "a tag in a path": (call(path="/<script>alert(1)</script>"), None),
    "a path of 30 KB": (call(path="/v4/" + "a" * 30_000), 404),
    "a path of 60 KB": (call(path="/v4/" + "a" * 60_000), 431),
    "a query of 30 KB": (call(path=f"/v4/Balance?{TOKEN}&" + "a" * 30_000), 200),
    "a query of 15,000 fields": (call(path=f"/v4/Balance?{TOKEN}" + "&a" * 15_000), 200),
    "two tokens": (call(path=f"/v4/Balance?{TOKEN}&authToken=wrong"), 200),
    "a token that is a surrogate": (call(path="/v4/Balance?authToken=%ed%a0%80"), 200),
    "a token that is NUL": (call(path="/v4/Balance?authToken=%00"), 200),
    "a whole address": (call(path=f"http://elsewhere/v4/Balance?{TOKEN}"), 200),
    "an address of another scheme": (call(path=f"gopher://elsewhere/v4/Balance?{TOKEN}"), 200),
    "an authority alone": (call(path="x:80"), 404),
    "a star": (call(path="*"), 404),
    "no path": (head("POST  HTTP/1.1"), 400),
    "no version": (head("POST /v4/Balance"), 400),
    "a version that is none": (head("POST /v4/Balance HTTP/1.99"), 400),
    "a method of 10 KB": (call(method="A" * 10_000), 405),
    "a method of signs": (call(method="!#$%&'*+-.^_`|~"), 405),
    "a method of other bytes": (call(method="\xff"), 400),
    "TRACE": (call(method="TRACE"), 405),
    "CONNECT": (head("CONNECT x:80 HTTP/1.1", "Host: x"), 404),
    "OPTIONS": (call(method="OPTIONS"), 405),
    "OPTIONS of the operator's": (call(method="OPTIONS", path="/operator/deposits"), 405),
    "OPTIONS of health": (call(method="OPTIONS", path="/healthz"), 405),
    "PUT": (call(method="PUT"), 405),
    "a method in small letters": (call(method="post"), None),
}


@pytest.mark.parametrize(("data", "status"), HEADS.values(), ids=HEADS)
def test_a_head_is_read_or_refused(say, data, status):
    [answer] = say(data, 1)
    assert answer.status < 500
    assert status in {None, answer.status}


BEARER = f"Authorization: Bearer {OPERATOR_TOKEN}"
PLAYERS = {
    "%00": 400,
    "%0a": 400,
    "%ff": 404,
    "%ed%a0%80": 404,
    "%20": 400,
    "..": 404,
    "a" * 33: 400,
    "a" * 30_000: 400,
    "%2e%2e%2f": 404,
    "nobody": 404,
}


@pytest.mark.parametrize(("name", "status"), PLAYERS.items(), ids=range(len(PLAYERS)))
def test_names_in_the_operators_paths(say, name, status):
    [answer] = say(head(f"GET /operator/players/{name}/wallets/USD HTTP/1.1", "Host: x", BEARER), 1)
    assert answer.status == status


@pytest.mark.parametrize("value", ["Bearer", "Bearer \xff", "Basic Og==", "Bearer " + "a" * 30_000, "", "\t"])
def test_what_is_no_token_of_the_operators(say, value):
    [answer] = say(head("POST /operator/deposits HTTP/1.1", "Host: x", f"Authorization: {value}"), 1)
    assert (answer.status, answer.json()) == (401, {"outcome": "credentials_wrong"})


DESK = {
    "a host that is none": head("GET /admin/login HTTP/1.1", "Host: a/b"),
    "a cookie of other bytes": head("GET /admin/login HTTP/1.1", "Host: x", "Cookie: desk=\xff\x00;;=;a"),
    "a cookie that is no session": head("GET /admin/ HTTP/1.1", "Host: x", "Cookie: desk=eyJhIjoxfQ.AAAA.BBBB"),
    "many cookies": head("GET /admin/ HTTP/1.1", "Host: x", "Cookie: " + "desk=a;" * 4_000),
    "other bytes in a path": head("GET /admin/players/%ff%00 HTTP/1.1", "Host: x"),
    "a long path": head("GET /admin/players/" + "a" * 30_000 + " HTTP/1.1", "Host: x"),
    "many fields in a query": head("GET /admin/login?" + "next=a&" * 4_000 + " HTTP/1.1", "Host: x"),
    "a token that is none": head("GET /admin/overview.json HTTP/1.1", "Host: x", "Authorization: Bearer \xff"),
    "a token of 30 KB": head("GET /admin/overview.json HTTP/1.1", "Host: x", "Authorization: Bearer " + "a" * 30_000),
    "an unknown method": head("BREW /admin/login HTTP/1.1", "Host: x"),
    "no form": head("POST /admin/login HTTP/1.1", "Host: x"),
    "a form that is too long": head(
        "POST /admin/login HTTP/1.1",
        "Host: x",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 1000000",
    ),
    "many fields in a form": head(
        "POST /admin/login HTTP/1.1",
        "Host: x",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 200000",
    )
    + b"a=b&" * 50_000,
    "a form of nonsense": head(
        "POST /admin/login HTTP/1.1", "Host: x", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 9"
    )
    + b"\xff%%%00=&&",
    "a form in parts": head(
        "POST /admin/login HTTP/1.1",
        "Host: x",
        "Content-Type: multipart/form-data; boundary=" + "b" * 5_000,
        "Content-Length: 5",
    )
    + b"--bbb",
    "JSON": head("POST /admin/login HTTP/1.1", "Host: x", "Content-Type: application/json", "Content-Length: 2")
    + b"{}",
    "a static way up": head("GET /admin/static/../../settings.py HTTP/1.1", "Host: x"),
    "an escaped static way up": head("GET /admin/static/%2e%2e/%2e%2e/settings.py HTTP/1.1", "Host: x"),
    "a range of a file": head("GET /admin/static/desk.css HTTP/1.1", "Host: x", "Range: bytes=9-1,-0,0-99999999999"),
    "a date that is none": head("GET /admin/static/desk.css HTTP/1.1", "Host: x", "If-Modified-Since: \xff 99"),
}


@pytest.mark.parametrize("data", DESK.values(), ids=DESK)
def test_nothing_sent_to_the_desk_by_anybody_is_a_fault(target, data):
    with Wire(target.port) as wire:
        wire.send(data)
        answer = wire.answer()
    assert answer
    assert answer.status < 500
    assert b"SECRET" not in answer.body
