"""The client of Lucky Monaco's own API: cancelling a round, and reading what rounds came to (contract, section 2).

It keeps nothing and logs nothing, and no secret is in anything that it returns or raises.
"""

import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode
from uuid import uuid4

from wallet_service.auth import body_hash
from wallet_service.lucky_monaco_answers import (
    Answer,
    GameRound,
    Reply,
    RoundPage,
    RoundStatus,
    read_page,
    read_round_status,
)
from wallet_service.lucky_monaco_http import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, Sender
from wallet_service.names import is_name
from wallet_service.settings import ContractVersion, Settings, SettingsError

__all__ = [
    "MAX_PAGE",
    "Answer",
    "GameRound",
    "LuckyMonaco",
    "LuckyMonacoError",
    "Reply",
    "RoundPage",
    "RoundStatus",
    "connect_lucky_monaco",
]

MAX_PAGE = 1000
"""Rounds in one page of GetGameRounds at most (contract, section 2)."""
SMALL_ANSWER = 1 << 20
PAGE_ANSWER = 64 << 20
"""The largest bodies read, in bytes. In a page that is 64 KiB for each round, most of it for the round's details."""
LENGTHS = {"externalPlayerId": 32, "userId": 32, "gameId": 32, "roundId": 36}
"""Characters an identifier may have (contract, section 2)."""
DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
"""Of dateStart and dateEnd. The contract names these fields and not their form; this one is common among providers."""

T = TypeVar("T")


class LuckyMonacoError(Exception):
    """A read brought no data. ``reply`` says whether it was refused, and with which code, or is unknown."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(" ".join(filter(None, (reply.answer, reply.code, reply.message))))
        self.reply = reply


class LuckyMonaco:
    """Calls Lucky Monaco over one pool of connections, which threads may share. Close it, or use it in a ``with``.

    ``hash_secret`` signs V4's calls; v4.02 needs none. ``v402_prefix`` is the path of v4.02's CancelRound, which
    white-label brands change. The timeouts are in seconds: for a connection, and for each silence of theirs.
    """

    def __init__(
        self,
        url: str,
        version: ContractVersion,
        partner_id: str,
        token: str,
        hash_secret: str,
        *,
        v402_prefix: str = "/v4",
        connect_timeout: float = CONNECT_TIMEOUT_S,
        read_timeout: float = READ_TIMEOUT_S,
    ) -> None:
        if not (url and partner_id and token and (hash_secret or version != "v4")):
            raise ValueError("the URL, the partner id, the token and, in V4, the hash secret must not be empty")
        self._version = version
        self._partner_id = partner_id
        self._token = token
        self._hash_secret = hash_secret
        self._v402_path = f"{v402_prefix}/CancelRound"
        secrets = (token, quote(token, safe=""), hash_secret)
        self._sender = Sender(url, secrets, connect_timeout=connect_timeout, read_timeout=read_timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()

    def cancel_round(self, user_id: str, round_id: str | None, game_id: str | None) -> Reply:
        """Ask for a round to be cancelled (CancelRound). Accepted means that a Refund will come, not that it came.

        In V4, without ``round_id``, every open round of the player in that game is cancelled.

        Raises:
            ValueError: an identifier that the version requires is missing, or one cannot be theirs; nothing was sent.

        """
        named = self.cancellable(user_id, round_id, game_id)
        if self._version == "v4":
            fields = {"secureLogin": self._partner_id, **named}
            fields["hash"] = body_hash(fields.items(), self._hash_secret, encoded=False, empty_kept=True)
            credentials = urlencode({"MEMB_ID": self._partner_id, "HASH": self._token})
            return self._sender.ask("/V4/cancelround", lambda: fields, SMALL_ANSWER, query=credentials)[0]
        reply, answered = self._sender.ask(self._v402_path, lambda: self._with_token(named), SMALL_ANSWER)
        if reply.answer is Answer.ACCEPTED and (answered.get("roundId") or round_id) != round_id:
            return Reply(Answer.UNKNOWN, "", "the answer is about another round")
        return reply

    def cancellable(self, user_id: str, round_id: str | None, game_id: str | None) -> dict[str, str]:
        """Return what a CancelRound would name, as the version spells it.

        Raises:
            ValueError: as ``cancel_round``.

        """
        if self._version == "v4":
            if game_id is None:
                raise ValueError("V4 requires a gameId")
            return _identifiers(externalPlayerId=user_id, gameId=game_id, roundId=round_id)
        if round_id is None:
            raise ValueError("v4.02 requires a roundId")
        return _identifiers(userId=user_id, roundId=round_id, gameId=game_id)

    def round_status(self, round_id: str) -> RoundStatus:
        """Ask what a round came to (GetRoundStatus), with either version in the form of v4.02, the only one there is.

        Raises:
            ValueError: the identifier cannot be theirs; nothing was sent.
            LuckyMonacoError: the call was refused, or its answer is unknown or cannot be read.

        """
        named = _identifiers(roundId=round_id)
        # On their side it is a number. What is no number's own text is sent as it is, for them to refuse.
        number = {"roundId": int(round_id)} if re.fullmatch("0|[1-9][0-9]*", round_id) else named
        return self._read("/history/GetRoundStatus", number, SMALL_ANSWER, read_round_status)

    def game_rounds(
        self,
        start: datetime,
        end: datetime,
        *,
        page: int,
        limit: int = MAX_PAGE,
        user_id: str | None = None,
        game_id: str | None = None,
    ) -> RoundPage:
        """Ask for one page of the rounds between two times (GetGameRounds), in the form of v4.02 as above.

        Both times must have a time zone; they are sent to the second, in the offset of ``start``. How pages are counted
        is theirs. The rounds' details are not kept.

        Raises:
            ValueError: an argument cannot be theirs; nothing was sent.
            LuckyMonacoError: the call was refused, or its answer is unknown or cannot be read.

        """
        offset = start.utcoffset()
        if offset is None or end.utcoffset() is None:
            raise ValueError("start and end must have a time zone")
        if page < 0 or not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"page must not be negative, and limit must be from 1 to {MAX_PAGE}")
        first, last = (time.astimezone(timezone(offset)) for time in (start, end))
        zone = first.strftime("%z")
        fields = {
            **_identifiers(userId=user_id, gameId=game_id),
            "dateStart": first.strftime(DATE_FORMAT),
            "dateEnd": last.strftime(DATE_FORMAT),
            "timeZone": f"GMT{zone[:3]}:{zone[3:5]}",
            "page": page,
            "limit": limit,
        }
        return self._read("/history/GetGameRounds", fields, PAGE_ANSWER, read_page)

    def _with_token(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"secureLogin": self._partner_id, **fields, "token": self._token, "uuid": str(uuid4())}

    def _read(self, path: str, fields: dict[str, Any], most: int, meaning: Callable[[dict[str, Any]], T]) -> T:
        reply, answered = self._sender.ask(path, lambda: self._with_token(fields), most, repeatable=True)
        if reply.answer is not Answer.ACCEPTED:
            raise LuckyMonacoError(reply)
        try:
            return meaning(answered)
        except ValueError as error:
            raise LuckyMonacoError(Reply(Answer.UNKNOWN, "", str(error))) from None


def _identifiers(**given: str | None) -> dict[str, str]:
    """Return those identifiers that are given.

    Raises:
        ValueError: one is empty, too long or not printable. An empty roundId must not pass for an absent one, which
            would cancel more than was meant.

    """
    named = {name: value for name, value in given.items() if value is not None}
    for name, value in named.items():
        if not is_name(value, LENGTHS[name]):
            raise ValueError(f"{name} must have 1 to {LENGTHS[name]} printable characters")
    return named


def connect_lucky_monaco(settings: Settings) -> LuckyMonaco:
    """Return a client for the settings' Lucky Monaco. It connects with its first call; the caller closes it.

    Raises:
        SettingsError: names every setting that is missing. The secret behind the hash is one of V4's only.

    """
    needed = {
        "WALLET_LUCKY_MONACO_URL": settings.lucky_monaco_url,
        "WALLET_PARTNER_ID": settings.partner_id,
        "WALLET_LUCKY_MONACO_TOKEN or WALLET_PARTNER_TOKEN": settings.lucky_monaco_token,
    }
    if settings.lucky_monaco_version == "v4":
        needed["WALLET_LUCKY_MONACO_HASH_SECRET or WALLET_HASH_SECRET"] = settings.lucky_monaco_hash_secret
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise SettingsError(f"{', '.join(missing)} must be set to call Lucky Monaco")
    return LuckyMonaco(
        settings.lucky_monaco_url,
        settings.lucky_monaco_version,
        settings.partner_id,
        settings.lucky_monaco_token,
        settings.lucky_monaco_hash_secret,
        v402_prefix=settings.v402_prefix,
        read_timeout=settings.lucky_monaco_timeout,
    )
