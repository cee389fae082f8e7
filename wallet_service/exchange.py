"""Asking somebody over HTTP who is not trusted: so much of an answer is read, and waited for so long."""

from collections.abc import Mapping
from contextlib import closing
from time import monotonic

import httpx

__all__ = ["TooLargeError", "exchange"]


class TooLargeError(Exception):
    """The answer's body is larger than is read."""


def exchange(
    http: httpx.Client,
    method: str,
    url: str,
    content: bytes,
    *,
    query: str,
    most: int,
    patience: float,
    headers: Mapping[str, str] | None = None,
) -> tuple[httpx.Response, bytes]:
    """Send a request; return the answer, and its body as it came: at most so many bytes, within so many seconds.

    ``query`` is for credentials: no URL that can be seen later has it.

    Raises:
        TooLargeError: the body is larger.
        httpx.TransportError: there is no whole answer, or none in time.

    """
    request = http.build_request(method, url, content=content, headers=headers)
    if query:
        # In the target only: the request's URL, which httpx logs and which its exceptions hold, has no credential.
        request.extensions["target"] = request.url.raw_path + b"?" + query.encode()
    with closing(http.send(request, stream=True)) as response:
        ends = monotonic() + patience
        received = bytearray()
        for chunk in response.iter_raw():
            received += chunk
            if len(received) > most:
                raise TooLargeError
            if monotonic() > ends:  # one that trickles in byte by byte ends as well
                raise httpx.ReadTimeout("it arrives too slowly")
    return response, bytes(received)
