"""Calling a wallet in either version of the contract (sections 3 to 6). It is known by its URL and keys only."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx

from wallet_service.auth import body_hash
from wallet_service.exchange import TooLargeError, exchange
from wallet_service.lucky_monaco_answers import printable
from wallet_service.sandbox.rounds import Round
from wallet_service.settings import ContractVersion

__all__ = ["Answer", "Keys", "NoAnswerError", "Request", "Wallet"]

PATIENCE_S = 10.0
MAX_ANSWER_BYTES = 64 * 1024
TEXT_LENGTH = 120
"""Characters of a wallet's description that are shown."""

_CODE = re.compile(r"(?:[A-Z]{1,4}\.)?0*([0-9]{1,6})")

WITHOUT_SESSION = frozenset({"Refund", "PromoWin"})
WITH_GAME_NAME = frozenset({"Bet", "Result", "Cancel", "Refund"})


class NoAnswerError(Exception):
    """The wallet did not answer, or with what is no answer. The message says how."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What one side proves itself with to the other."""

    partner_id: str
    token: str = field(repr=False)
    hash_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A wallet's answer. ``code`` is ``0`` for success, else the error's number, the same one in either version."""

    code: str
    text: str
    fields: Mapping[str, Any]

    @property
    def final(self) -> bool:
        """Whether the call is never sent again (contract, section 4)."""
        return self.code in {"0", "15", "999"}


@dataclass(frozen=True, slots=True)
class Request:
    """A message as it is sent, and what a report says of it."""

    call: str
    round_id: str
    user_id: str
    currency: str
    amount: str
    reference: str
    body: bytes

    def forged(self) -> "Request":
        """Return a copy whose body hash is wrong."""
        return replace(self, body=json.dumps(json.loads(self.body) | {"hash": "0" * 32}).encode())


class Wallet:
    """Writes and sends the messages of one version. Threads may share it; close it."""

    def __init__(
        self,
        url: str,
        version: ContractVersion,
        keys: Keys,
        *,
        provider_id: str = "LuckyMonaco",
        v402_prefix: str = "/v4",
    ) -> None:
        self._v4 = version == "v4"
        self._url = url.rstrip("/") + ("/V4" if self._v4 else v402_prefix)
        self._keys = keys
        self._provider_id = provider_id
        names = {"MEMB_ID": keys.partner_id, "HASH": keys.token} if self._v4 else {"authToken": keys.token}
        self._query = urlencode(names)
        self._http = httpx.Client(
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
            timeout=PATIENCE_S,
            limits=httpx.Limits(max_connections=None),
            follow_redirects=False,  # a token goes nowhere but where it was meant for
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def write(self, call: str, the_round: Round, **fields: str) -> Request:
        """Write a message of the round; ``fields`` are those that the call has besides the round's own."""
        body = {
            "providerId": self._provider_id,
            "userId": the_round.user_id,
            "gameId": the_round.game.id,
            "roundId": the_round.round_id,
            **fields,
        }
        if self._v4:
            if call == "PromoWin":
                body["currency"] = the_round.currency
            body["hash"] = body_hash(body.items(), self._keys.hash_secret, encoded=False, empty_kept=True)
        else:
            body |= {"currency": the_round.currency, "uuid": str(uuid4())}
            if call not in WITHOUT_SESSION:
                body["sessionId"] = the_round.session
            if call in WITH_GAME_NAME:
                body["gameName"] = the_round.game.name
        return Request(
            call,
            the_round.round_id,
            the_round.user_id,
            the_round.currency,
            fields.get("amount", ""),
            fields.get("reference", ""),
            json.dumps(body, ensure_ascii=False).encode(),
        )

    def send(self, message: Request) -> Answer:
        """Send a message and read the answer.

        Raises:
            NoAnswerError: there is none.

        """
        url = f"{self._url}/{message.call}"
        try:
            response, received = exchange(
                self._http, "POST", url, message.body, query=self._query, most=MAX_ANSWER_BYTES, patience=PATIENCE_S
            )
        except TooLargeError:
            raise NoAnswerError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes") from None
        except httpx.ConnectError:
            raise NoAnswerError("no connection to the wallet") from None
        except httpx.TimeoutException:
            raise NoAnswerError(f"no answer within {PATIENCE_S:g} s") from None
        except httpx.TransportError as error:
            raise NoAnswerError(f"no whole answer: {printable(str(error), TEXT_LENGTH)}") from None
        return _read(response.status_code, received)


def _read(status: int, body: bytes) -> Answer:
    """Read an answer in either version's shape.

    Raises:
        NoAnswerError: it is in neither.

    """
    try:
        fields = json.loads(body, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise NoAnswerError(f"HTTP {status} with a body that is not JSON") from None
    error = fields.get("error") if isinstance(fields, dict) else None
    code, text = (error, fields.get("description")) if isinstance(error, str) else (None, None)
    if isinstance(error, dict):
        code, text = error.get("code"), error.get("message")
    number = _CODE.fullmatch(code) if isinstance(code, str) else None
    if number is None or (number[1] == "0" and status != httpx.codes.OK):
        raise NoAnswerError(f"HTTP {status} with JSON of another shape")
    return Answer(number[1], printable(text if isinstance(text, str) else "", TEXT_LENGTH), fields)
