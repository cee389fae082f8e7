"""Whether Lucky Monaco can be reached, by a request that asks for nothing: no token, no call of the contract."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import time

import httpx

from wallet_service.doctor.database_checks import clock_finding
from wallet_service.doctor.findings import Finding, fault, good, warning

__all__ = ["check_lucky_monaco"]

TIMEOUT_S = 5.0
DAYS_LEFT = 14
SECONDS_OF_A_DAY = 86_400
MAX_SKEW_S = 5.0
"""Their clock is told in whole seconds, and the answer takes its time."""
OUT_OF_ORDER = {502, 503, 504}
"""What a proxy answers whose service is away. Any other status is an answer: nothing was asked for."""


def check_lucky_monaco(url: str, trusted: ssl.SSLContext) -> Iterator[Finding]:
    """Look at the connection to Lucky Monaco: TLS, its certificate's time left, their clock."""
    about = "Lucky Monaco"
    try:
        with (
            httpx.Client(verify=trusted, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
            client.stream("HEAD", url) as response,
        ):
            tls = response.extensions["network_stream"].get_extra_info("ssl_object")
            certificate = tls.getpeercert() if tls else None
            status, date = response.status_code, response.headers.get("Date", "")
    except httpx.TransportError as error:
        yield fault(
            about, f"{url} cannot be reached: {error}", "Look at WALLET_LUCKY_MONACO_URL, DNS, firewall, proxy."
        )
        return
    if status in OUT_OF_ORDER:
        yield warning(about, f"{url} answers {status}.", "Ask Lucky Monaco whether they are out of order.")
    else:
        yield good(about, f"{url} answers.")
    if certificate:
        yield _certificate(ssl.cert_time_to_seconds(str(certificate["notAfter"])))
    yield from _clock(date)


def _certificate(ends: float) -> Finding:
    about, days = "Lucky Monaco's certificate", int((ends - time()) // SECONDS_OF_A_DAY)
    if days < DAYS_LEFT:
        return warning(about, f"It is valid for {days} more days.", "Ask Lucky Monaco when they renew it.")
    return good(about, f"It is trusted, and valid for {days} more days.")


def _clock(date: str) -> Iterator[Finding]:
    try:
        there = parsedate_to_datetime(date)
    except ValueError:  # they need not tell
        return
    if there.tzinfo is None:
        there = there.replace(tzinfo=UTC)
    yield clock_finding("Lucky Monaco", (there - datetime.now(UTC)).total_seconds(), MAX_SKEW_S)
