"""Senders that begin a body and fall silent, or send it drop by drop: others are answered, and they are cut off."""

import json
from contextlib import ExitStack

import pytest

from tests.conftest import free_port
from tests.hostile.conftest import BALANCE, DESK_KEY, OPERATOR_TOKEN, balance_body, balance_of
from tests.hostile.wire import Wire, head, post

SENDERS = 200
HALF = b'{"userId": "x",'
OPERATOR = f"Authorization: Bearer {OPERATOR_TOKEN}"
FORM = "Content-Type: application/x-www-form-urlencoded"


def half_sent(path, *lines):
    return head(f"POST {path} HTTP/1.1", "Host: x", "Content-Length: 100", *lines) + HALF


JSON = "Content-Type: application/json"
HALVES = {
    "calls": half_sent(BALANCE, JSON),
    "calls that wait for 100": half_sent(BALANCE, JSON, "Expect: 100-continue"),
    "calls in chunks": head(f"POST {BALANCE} HTTP/1.1", "Host: x", JSON, "Transfer-Encoding: chunked") + b"ff\r\n{",
    "chunks whose size has no end": head(f"POST {BALANCE} HTTP/1.1", "Host: x", JSON, "Transfer-Encoding: chunked")
    + b"0" * 10_000,
    "the operator's": half_sent("/operator/deposits", JSON, OPERATOR),
    "logins at the desk": half_sent("/admin/login", FORM),
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_a_call_is_answered_while_many_are_half_sent(target, player, half):
    with ExitStack() as stack:
        slow = [stack.enter_context(Wire(target.port)) for _ in range(SENDERS)]
        for wire in slow:
            wire.send(half)
        for _ in range(20):
            assert balance_of(target, player) == "100.00"


def test_who_sends_nothing_more_is_cut_off_and_who_sends_drop_by_drop_too(target, player):
    with ExitStack() as stack:
        silent = [stack.enter_context(Wire(target.port)) for _ in range(20)]
        for wire, half in zip(silent, list(HALVES.values()) * 4, strict=False):
            wire.send(half)
        drops = stack.enter_context(Wire(target.port))
        drops.socket.settimeout(1)
        drops.send(post(BALANCE, b"", length=60_000))
        idle = stack.enter_context(Wire(target.port))
        for _ in range(40):
            drops.send(b" ")
            idle.send(post(BALANCE, balance_body(player)))
            assert idle.answer().json()["cash"] == "100.00", "whoever is answered is not cut off"
            try:
                if drops.answer() is None:
                    break
            except TimeoutError:
                continue
        else:
            raise AssertionError("it was never cut off")
        for wire in silent:
            assert wire.answer() is None


def test_the_desk_on_its_own_port_answers_meanwhile(new_service):
    port = free_port()
    new_service(WALLET_LOG_LEVEL="ERROR", WALLET_ADMIN_SECRET_KEY=DESK_KEY, WALLET_ADMIN_PORT=str(port))
    with ExitStack() as stack:
        for _ in range(SENDERS):
            stack.enter_context(Wire(port)).send(HALVES["logins at the desk"])
        whole = stack.enter_context(Wire(port))
        whole.send(head("GET /admin/login HTTP/1.1", "Host: x"))
        assert whole.answer().status == 200


def test_those_beyond_are_told_to_come_again(target):
    with ExitStack() as stack:
        for _ in range(32):
            stack.enter_context(Wire(target.port)).send(HALVES["logins at the desk"])
        further = stack.enter_context(Wire(target.port))
        while True:
            further.send(head("GET /healthz HTTP/1.1", "Host: x"))
            assert further.answer().status == 200
            last = stack.enter_context(Wire(target.port))
            last.socket.settimeout(1)
            last.send(half_sent("/admin/login", FORM, "Accept: application/json"))
            try:
                answer = last.answer()
            except TimeoutError:
                continue
            assert (answer.status, json.loads(answer.body)["status"]) == (503, 503)
            break
