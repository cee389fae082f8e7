"""The cases that move no money: what a wallet has to refuse, and what it says of a player who is there.

Whatever could move some is about a player who is not there.
"""

import re
from decimal import Decimal
from http import HTTPStatus
from secrets import token_hex

from wallet_service.certify.client import Client, Number, Reply
from wallet_service.certify.findings import Findings

__all__ = ["balance_of", "try_patience", "try_player", "try_refusals"]

TOO_LARGE = 70_000
"""Bytes; the most that is taken is 65,536."""
PATIENCE_S = 3.0
"""So long do providers commonly wait for an answer."""
CASH = re.compile(r"[0-9]{1,20}\.[0-9]{2,18}")


def try_refusals(client: Client, findings: Findings, currency: str) -> None:
    """Try what has to be refused."""
    nobody = f"certify-{token_hex(8)}"
    check = client.body("Check", nobody, currency)
    sent = client.hashed(check) if client.is_v4 else check
    expect = findings.expect
    expect("unknown player", "Check of a player who is not there: 62.", client.send("Check", sent), {"62"})
    expect("letter case", "The name of a call may be in any letter case.", client.send("CHECK", sent), {"62"})
    other = client.send("Check", sent, query=client.other_query)
    expect("other query", "Both spellings of the token in the URL are taken.", other, {"62"})
    hashed = client.send("Check", client.hashed(check))
    expect("right hash", "A right hash is taken.", hashed, {"62"})
    expect("no token", "A call without a token: 54.", client.send("Check", sent, query={}), {"54"})
    wrong = client.send("Check", sent, query={**client.query, next(reversed(client.query)): "certify-wrong"})
    expect("wrong token", "A call with a wrong token: 54.", wrong, {"54"})
    forged = client.send("Check", {**check, "hash": "0" * 32})
    expect("wrong hash", "A call with a wrong hash: 54.", forged, {"54"})
    if client.is_v4:
        expect("no hash", "A call without a hash: 54.", client.send("Check", check), {"54"})
    _try_fields(client, findings, nobody, currency)
    _try_no_calls(client, findings)


def _try_fields(client: Client, findings: Findings, nobody: str, currency: str) -> None:
    expect = findings.expect
    bet = {"roundId": "certify", "reference": token_hex(8)}
    for case, amount in (("negative amount", "-1.00"), ("over-precise amount", f"0.{'1' * 19}"), ("no number", "NaN")):
        reply = client.ask("Bet", nobody, currency, **bet, amount=amount)
        expect(case, f"A bet of {amount}: 59.", reply, {"59"})
    expect("missing field", "A call without its userId: 64.", client.ask("Check", "", currency), {"64"})
    expect("too long", "A userId of 33 characters: 57.", client.ask("Check", "x" * 33, currency), {"57"})
    if not client.is_v4:
        expect("unknown currency", "A currency that is none: 71.", client.ask("Check", nobody, "ZZZ"), {"71"})
    refund = client.ask("Refund", nobody, currency, **bet)
    expect("refund of nobody", "A refund for a player who is not there: 62.", refund, {"62"})


def _try_no_calls(client: Client, findings: Findings) -> None:
    for case, promise, status, reply in (
        ("not JSON", "A body that is not JSON: 400.", HTTPStatus.BAD_REQUEST, client.send("Check", '{"userId": ')),
        ("no object", "JSON that is no object: 400.", HTTPStatus.BAD_REQUEST, client.send("Check", "[]")),
        (
            "other type",
            "A body of another type: 415.",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            client.send("Check", "userId=x", content_type="application/x-www-form-urlencoded"),
        ),
        ("other method", "GET: 405.", HTTPStatus.METHOD_NOT_ALLOWED, client.send("Check", "", method="GET")),
        (
            "no such call",
            "A call that the contract does not have: 404.",
            HTTPStatus.NOT_FOUND,
            client.send("Nap", "{}"),
        ),
        (
            "too large",
            f"A body of {TOO_LARGE} bytes: 413.",
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            client.send("Check", {"userId": "x" * TOO_LARGE}),
        ),
    ):
        findings.expect(case, promise, reply, {"57"}, status=status)


def try_player(client: Client, findings: Findings, player: str, currency: str) -> None:
    """Look at a player who is there."""
    findings.expect("check", "Check of the player: 0.", client.ask("Check", player, currency), {"0"})
    first = client.ask("Balance", player, currency)
    told = balance_of(client, first, currency) is not None
    problem = "" if told else "no currency and cash as the version writes them"
    findings.expect("balance", "Balance of the player: 0, currency and cash.", first, {"0"}, more=problem)


def try_patience(client: Client, findings: Findings) -> None:
    """Tell whether every answer until now came in time."""
    problem = "" if client.slowest < PATIENCE_S else "Lucky Monaco would have given up and sent it again"
    findings.enter("in time", f"Every answer within {PATIENCE_S:g} s.", f"slowest: {client.slowest:.2f} s", problem)


def balance_of(client: Client, reply: Reply, currency: str) -> Decimal | None:
    """Return the cash that a reply tells: a text in v4.02, a number in V4. ``None``: it is not told so."""
    cash = reply.fields.get("cash")
    if not isinstance(cash, str) or isinstance(cash, Number) != client.is_v4 or not CASH.fullmatch(cash):
        return None
    return Decimal(cash) if reply.fields.get("currency") == currency else None
