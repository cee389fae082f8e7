"""What Lucky Monaco's answers to our calls mean (contract, sections 2 and 6).

Their numbers are read as text, because they write the same value as ``0`` and ``"0"``, and amounts must stay exact.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from wallet_service.ledger.money import parse_money

__all__ = [
    "Answer",
    "GameRound",
    "Reply",
    "RoundPage",
    "RoundStatus",
    "printable",
    "read_page",
    "read_reply",
    "read_round_status",
]

TEXT_LENGTH = 300
"""Characters of a text of theirs that are kept; the contract's longest identifier has 36."""

_FAMILY = re.compile(r"[A-Z]{1,4}\.[0-9]{1,6}")
_NUMBER = re.compile(r"-?[0-9]{1,6}")


class Answer(StrEnum):
    """How a call to Lucky Monaco ended."""

    ACCEPTED = "accepted"
    """They took it."""
    REFUSED = "refused"
    """They said no, and why."""
    UNKNOWN = "unknown"
    """It cannot be told from here whether they took it: the round's status says."""


@dataclass(frozen=True, slots=True)
class Reply:
    """How a call ended, with the code and the message.

    The code is ``0``, one of section 6, ``G.nn``, ``V.nn`` or one that they have added since; empty where the answer is
    unknown. The message is theirs, or says why the answer is unknown.
    """

    answer: Answer
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """A round as Lucky Monaco has it: ``state`` in their word (contract, section 1), ``won`` None where not told."""

    state: str
    currency: str
    staked: Decimal
    won: Decimal | None


@dataclass(frozen=True, slots=True)
class GameRound:
    """A round in a page of them. ``at`` is as sent, in the time zone asked for; None and empty mean not told."""

    round_id: str
    user_id: str
    game_id: str
    game_name: str
    at: str
    state: str
    currency: str
    staked: Decimal
    won: Decimal | None
    balance: Decimal | None


@dataclass(frozen=True, slots=True)
class RoundPage:
    """One page of rounds, and how many rounds all the pages have."""

    total: int
    rounds: tuple[GameRound, ...]


def printable(text: str, length: int) -> str:
    r"""Return at most ``length`` characters of a text from outside, with what could move a terminal as ``\x1b``."""
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text[:length]
    )
    return shown if len(text) <= length and len(shown) <= length else shown[: length - 1] + "…"


def read_reply(status: int, body: bytes) -> tuple[Reply, dict[str, Any]]:
    """Tell what an HTTP answer says, and return the fields of its body; none where it says nothing.

    A redirect is nobody's answer, whatever its body says.
    """
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Reply(Answer.UNKNOWN, "", f"HTTP {status}, a redirect, which is not followed"), {}
    try:
        fields = json.loads(body, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return Reply(Answer.UNKNOWN, "", f"HTTP {status} with a body that is not JSON"), {}
    reply = _said(status, fields) if isinstance(fields, dict) else None
    return (reply, fields) if reply else (Reply(Answer.UNKNOWN, "", f"HTTP {status} with JSON of another shape"), {})


def _said(status: int, fields: dict[str, Any]) -> Reply | None:
    """Return the acceptance or refusal that the fields are, in either version's shape.

    With a 5xx, a refusal must have a code of V4's families. Gateways put numbers and words of their own into ``error``,
    and the call may have passed them.
    """
    code, message = fields.get("error"), fields.get("description")
    if code == "0":
        return Reply(Answer.ACCEPTED, "0", _plain(message)) if status == HTTPStatus.OK else None
    error = code
    if isinstance(error, dict):
        code, message = error.get("code"), error.get("message")
    if not isinstance(code, str) or not code.strip(" 0"):
        return None
    theirs = status < HTTPStatus.INTERNAL_SERVER_ERROR and (isinstance(error, dict) or _NUMBER.fullmatch(code))
    return Reply(Answer.REFUSED, _two_digits(code), _plain(message)) if theirs or _FAMILY.fullmatch(code) else None


def _plain(message: object) -> str:
    return message if isinstance(message, str) else ""


def _two_digits(code: str) -> str:
    """Return ``G.1`` as ``G.01``, which is the same code in print."""
    return code.replace(".", ".0") if re.fullmatch(r"[GV]\.[0-9]", code) else code


def read_round_status(fields: dict[str, Any]) -> RoundStatus:
    """Read a successful answer of GetRoundStatus.

    Raises:
        ValueError: a field is missing or wrong. The message names it.

    """
    return RoundStatus(
        state=_text(fields, "roundStatus"),
        currency=_text(fields, "currency"),
        staked=_amount(fields, "betAmount"),
        won=_amount_if_told(fields, "winAmount"),
    )


def read_page(fields: dict[str, Any]) -> RoundPage:
    """Read a successful answer of GetGameRounds. One wrong round spoils the page: it could be the one looked for.

    Raises:
        ValueError: a field is missing or wrong. The message names it.

    """
    total, rounds = fields.get("totalRounds"), fields.get("rounds")
    if not isinstance(total, str) or not re.fullmatch("[0-9]{1,18}", total):
        raise ValueError("totalRounds is not a number")
    if rounds is None and int(total) == 0:
        rounds = []
    if not isinstance(rounds, list) or not all(isinstance(item, dict) for item in rounds):
        raise ValueError("rounds is not an array of objects")
    return RoundPage(int(total), tuple(_round(item) for item in rounds))


def _round(fields: dict[str, Any]) -> GameRound:
    return GameRound(
        round_id=_text(fields, "roundId"),
        user_id=_text(fields, "userId"),
        game_id=_text_if_told(fields, "gameId"),
        game_name=_text_if_told(fields, "gameName"),
        at=_text_if_told(fields, "dateTime"),
        state=_text(fields, "roundStatus"),
        currency=_text(fields, "currency"),
        staked=_amount(fields, "betAmount"),
        won=_amount_if_told(fields, "winAmount"),
        balance=_amount_if_told(fields, "balance"),
    )


def _text(fields: dict[str, Any], name: str) -> str:
    text = _text_if_told(fields, name)
    if not text:
        raise ValueError(f"{name} is missing")
    return text


def _text_if_told(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return printable(value, TEXT_LENGTH) if isinstance(value, str) else ""


def _amount(fields: dict[str, Any], name: str) -> Decimal:
    amount = _amount_if_told(fields, name)
    if amount is None:
        raise ValueError(f"{name} is missing")
    return amount


def _amount_if_told(fields: dict[str, Any], name: str) -> Decimal | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    try:
        return parse_money(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError(f"{name} is not an amount: {error}") from None
