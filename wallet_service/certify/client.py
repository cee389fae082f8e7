"""Speaking to a wallet as Lucky Monaco does, and as it never would (contract, sections 3 to 6)."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx

from wallet_service.auth import body_hash
from wallet_service.exchange import TooLargeError, exchange
from wallet_service.lucky_monaco_answers import printable
from wallet_service.settings import ContractVersion, Settings

__all__ = ["Client", "Number", "Reply", "UnreachableError"]

PATIENCE_S = 10.0
COME_AGAIN = frozenset({"997", "998"})
RESENT_AFTER_S = (0.2, 0.5, 1.0, 2.0)
MAX_ANSWER_BYTES = 64 * 1024
TEXT_LENGTH = 120
"""Characters of what the wallet says that are shown."""
PROVIDER = "LuckyMonaco"
GAME = {"gameId": "certify"}
GAME_NAME = "Certification"
WITH_GAME = frozenset({"Bet", "Result", "EndRound", "Cancel", "Refund"})
WITH_GAME_NAME = WITH_GAME - {"EndRound"}
WITH_AMOUNT = frozenset({"Bet", "Result"})
CODE = re.compile(r"(?:[A-Z]{1,4}\.)?0*([0-9]{1,6})")


class Number(str):
    """The text of a JSON number, which is not a JSON string."""

    __slots__ = ()


class UnreachableError(Exception):
    """Nobody answers at the wallet's URL. The message says how."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Without an answer, ``status`` is 0 and ``said`` tells what happened instead."""

    status: int
    code: str | None
    """``0`` for success, else the error's number, the same in either version; ``None``: not in the version's shape."""
    said: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    is_broken_off: bool = False
    """The connection ended before the answer was whole."""

    def __str__(self) -> str:
        """Tell it in a few words."""
        known = f"{self.code} {self.said}".strip() if self.code is not None else self.said
        return f"HTTP {self.status}: {known}" if self.status else known


class Client:
    """Asks in one version. Threads may share it; close it."""

    def __init__(self, url: str, version: ContractVersion, settings: Settings) -> None:
        """Ask the wallet at the URL, with the credentials that the settings' wallet takes."""
        self.version = version
        self.is_v4 = version == "v4"
        self._url = url.rstrip("/") + ("/V4" if self.is_v4 else settings.v402_prefix)
        self._provider = settings.provider_id or PROVIDER
        self._secret = settings.hash_secret[0]
        token = settings.partner_token[0]
        partner = {"MEMB_ID": settings.partner_id, "HASH": token}
        self.query = partner if self.is_v4 else {"authToken": token}
        self.other_query = {"authToken": token} if self.is_v4 else partner
        self._http = httpx.Client(timeout=PATIENCE_S, follow_redirects=False, trust_env=False)
        self.slowest = 0.0
        """Seconds of the slowest answer."""

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def body(self, call: str, user_id: str, currency: str, **fields: str) -> dict[str, str]:
        """Return a call's fields, all but the hash."""
        body = {"providerId": self._provider, "userId": user_id, **fields}
        if call in WITH_GAME:
            body |= GAME
        if call in WITH_AMOUNT:
            body |= {"roundDetails": "certify", "timestamp": "1769817600000"}
        if self.is_v4:
            return body
        body |= {"currency": currency, "uuid": str(uuid4())}
        if call != "Refund":
            body["sessionId"] = "certify"
        if call in WITH_GAME_NAME:
            body["gameName"] = GAME_NAME
        return body

    def hashed(self, body: Mapping[str, str]) -> dict[str, str]:
        """Return a body with its hash."""
        return {**body, "hash": body_hash(body.items(), self._secret, encoded=False, empty_kept=True)}

    def ask(self, call: str, user_id: str, currency: str, **fields: str) -> Reply:
        """Send a call as it should be; if the wallet is away or says to come again, again, as Lucky Monaco does.

        Raises:
            UnreachableError: there is nobody for several seconds.

        """
        body = self.body(call, user_id, currency, **fields)
        if self.is_v4:
            body = self.hashed(body)
        for pause in RESENT_AFTER_S:
            with suppress(UnreachableError):
                reply = self.send(call, body)
                if reply.code not in COME_AGAIN and not reply.is_broken_off:
                    return reply
            sleep(pause)
        return self.send(call, body)

    def send(
        self,
        call: str,
        body: Mapping[str, str] | str,
        *,
        query: Mapping[str, str] | None = None,
        method: str = "POST",
        content_type: str = "application/json",
    ) -> Reply:
        """Send whatever it is; without a ``query``, with the right one.

        Raises:
            UnreachableError: there is nobody.

        """
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        headers = {"Content-Type": content_type, "Accept-Encoding": "identity"}
        written = urlencode(self.query if query is None else query)
        started = monotonic()
        try:
            response, received = exchange(
                self._http,
                method,
                f"{self._url}/{call}",
                content,
                query=written,
                most=MAX_ANSWER_BYTES,
                patience=PATIENCE_S,
                headers=headers,
            )
        except TooLargeError:
            return Reply(0, None, f"an answer of more than {MAX_ANSWER_BYTES} bytes")
        except httpx.ConnectError as error:
            raise UnreachableError(f"no connection: {printable(str(error), TEXT_LENGTH)}") from None
        except httpx.TimeoutException:
            return Reply(0, None, f"no answer within {PATIENCE_S:g} s")
        except httpx.TransportError as error:
            return Reply(0, None, f"no whole answer: {printable(str(error), TEXT_LENGTH)}", is_broken_off=True)
        seconds = monotonic() - started
        self.slowest = max(self.slowest, seconds)
        return self._read(response, received, seconds)

    def _read(self, response: httpx.Response, body: bytes, seconds: float) -> Reply:
        """Read an answer strictly: what is in the other version's shape is in none."""
        status = response.status_code
        media_type = response.headers.get("Content-Type", "none").partition(";")[0].strip()
        if media_type != "application/json":
            return Reply(status, None, f"of the type {printable(media_type, TEXT_LENGTH)}", seconds=seconds)
        try:
            fields = json.loads(body, parse_int=Number, parse_float=Number)
        except (ValueError, RecursionError):
            return Reply(status, None, "a body that is not JSON", seconds=seconds)
        error = fields.get("error") if isinstance(fields, dict) else None
        code, text = (error, fields.get("description")) if isinstance(error, str) else (None, None)
        if self.is_v4 and isinstance(error, dict):
            code, text = error.get("code"), error.get("message")
        number = CODE.fullmatch(code) if isinstance(code, str) else None
        if number is None or not isinstance(text, str) or (self.is_v4 and (number[1] == "0") != isinstance(error, str)):
            return Reply(status, None, "JSON of another shape", seconds=seconds)
        return Reply(status, number[1], printable(text, TEXT_LENGTH), fields, seconds)
