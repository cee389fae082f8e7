"""Sending a call to Lucky Monaco over HTTP: how long it may take, how much is read, and when it is tried again.

Whatever happens ends as a ``Reply``. What comes from outside is bounded and printable in it.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from random import SystemRandom
from time import sleep
from typing import Any

import httpx

from wallet_service.exchange import TooLargeError, exchange
from wallet_service.lucky_monaco_answers import TEXT_LENGTH, Answer, Reply, printable, read_reply

__all__ = ["CONNECT_TIMEOUT_S", "READ_TIMEOUT_S", "Sender"]

CONNECT_TIMEOUT_S = 5.0
"""A lost first packet is repeated after 1 and after 3 seconds; this waits for both."""
READ_TIMEOUT_S = 20.0
"""How long they may be silent. They may send the Refund, and wait their seconds for the wallet, before they answer."""
PATIENCE = 4
"""A body may take this many read timeouts to arrive, so that one that trickles in byte by byte ends as well."""
ATTEMPTS = 3
"""How often a call is tried where repeating it is safe: a short disturbance passes, and an outage is told soon."""
PAUSE_S = 0.2
"""The longest pause before the second attempt; twice as long before the third. Shortened at random, so that several
clients do not come back at one moment."""
CODE_LENGTH = 32
"""Characters of a code that are kept; the known ones have four."""

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before there was a connection: not a byte of the request left."""

_random = SystemRandom()


class Sender:
    """Sends calls to ``url`` over one pool of connections, which threads may share; timeouts in seconds.

    ``secrets`` are left out of every reply, should an answer repeat one.
    """

    def __init__(self, url: str, secrets: tuple[str, ...], *, connect_timeout: float, read_timeout: float) -> None:
        self._url = url
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)  # a longer one may contain a shorter
        self._patience = PATIENCE * read_timeout
        self._http = httpx.Client(
            headers={
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",  # a compressed body could be small on the way and huge in memory
                "User-Agent": "wallet-service",
            },
            timeout=httpx.Timeout(read_timeout, connect=connect_timeout),
            follow_redirects=False,  # a token goes nowhere but where the settings say
            trust_env=False,  # the settings alone read the environment
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(
        self,
        path: str,
        write: Callable[[], dict[str, Any]],
        most: int,
        *,
        query: str = "",
        repeatable: bool = False,
    ) -> tuple[Reply, dict[str, Any]]:
        """Make a call and tell how it ended, with the fields of the answer.

        ``write`` makes the body of each attempt; ``most`` is how many bytes of the answer's are read. ``query`` is for
        credentials: no URL that can be seen later has it.

        A call that is not ``repeatable`` is tried again only if nothing of it was sent: the contract does not say that
        a second CancelRound is the first one again.
        """
        attempt = 1
        while True:
            fields: dict[str, Any] = {}
            try:
                status, body = self._send(path, query, write(), most)
            except NOT_SENT as error:
                again, reply = True, Reply(Answer.UNKNOWN, "", f"no connection: {error}")
            except httpx.TransportError as error:
                again, reply = repeatable, Reply(Answer.UNKNOWN, "", f"sent, and no whole answer: {error}")
            except TooLargeError:
                again, reply = False, Reply(Answer.UNKNOWN, "", f"the answer is larger than {most} bytes")
            else:
                reply, fields = read_reply(status, body)
                again = repeatable and status >= httpx.codes.INTERNAL_SERVER_ERROR
            if not again or attempt == ATTEMPTS:
                return self._outward(reply), fields
            sleep(_random.uniform(0, PAUSE_S * attempt))
            attempt += 1

    def _send(self, path: str, query: str, fields: dict[str, Any], most: int) -> tuple[int, bytes]:
        body = json.dumps(fields, ensure_ascii=False)  # so that the hash's raw values are the text that is sent
        response, received = exchange(
            self._http, "POST", self._url + path, body.encode(), query=query, most=most, patience=self._patience
        )
        return response.status_code, received

    def _outward(self, reply: Reply) -> Reply:
        """Return the reply as it may be shown: without a secret that was echoed, bounded and printable."""
        code, message = reply.code, reply.message
        for secret in self._secrets:
            code, message = code.replace(secret, "…"), message.replace(secret, "…")
        return replace(reply, code=printable(code, CODE_LENGTH), message=printable(message, TEXT_LENGTH))
