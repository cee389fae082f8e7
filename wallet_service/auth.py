"""Every check of a credential that is presented to the wallet (contract, section 5), and of the operator's token.

Each is a comparison of two digests of one length, taken with a key that this process made up, in constant time and to
its end for every accepted secret: how long it takes says nothing about them, their number aside.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b, md5
from ipaddress import IPv4Address, IPv6Address, ip_address
from secrets import token_bytes
from urllib.parse import quote

from werkzeug.wrappers import Request

from wallet_service.failures import Failures
from wallet_service.settings import Network, Settings

__all__ = ["Credentials", "body_hash", "sender"]

MAX_HOPS = 32
"""Proxies in a row that are looked at; behind more, nobody is who they say."""

_CLAIM = re.compile(r"(?:(?P<plain>[^:\[\]]+)|\[(?P<bracketed>[^\[\]]+)\])(?::[0-9]{1,5})?")
_KEY = token_bytes(32)


def body_hash(fields: Iterable[tuple[str, str]], secret: str, *, encoded: bool, empty_kept: bool) -> str:
    """Return the hash of a body's fields, given as (name, text), as one kind of sender computes it.

    ``encoded`` senders percent-encode the values; not ``empty_kept`` senders leave fields with empty values out.
    ``hash`` itself must not be among the fields.
    """
    pairs = sorted(
        (name.encode("utf-8", "surrogatepass"), (quote(text, safe="", errors="replace") if encoded else text))
        for name, text in fields
        if text or empty_kept
    )
    message = b"&".join(name + b"=" + text.encode("utf-8", "surrogatepass") for name, text in pairs)
    # MD5 is what the contract says; the secret and the URL's token are what protects.
    return md5(message + secret.encode(), usedforsecurity=False).hexdigest()


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32, key=_KEY).digest()


def _any_same(expected: Iterable[bytes], given: bytes) -> bool:
    same = False
    for one in expected:  # each one, also behind one that is
        same |= hmac.compare_digest(one, given)
    return same


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What is accepted at one time; tokens as their digests."""

    tokens: tuple[bytes, ...]
    hash_secrets: tuple[str, ...]
    operator_tokens: tuple[bytes, ...]


class Credentials:
    """Decides whether a request comes from Lucky Monaco, or from the operator's own platform."""

    def __init__(self, settings: Settings) -> None:
        self._partner_id = _digest(settings.partner_id)
        self._allowed = settings.allowed_networks
        self._proxies = settings.trusted_proxies
        self.failures = Failures()
        self.renew(settings)

    def renew(self, settings: Settings) -> None:
        """Accept the settings' secrets from now on, and no others. A check that is under way ends with what it had."""
        self._secrets = _Secrets(
            tuple(map(_digest, settings.partner_token)),
            settings.hash_secret,
            tuple(map(_digest, settings.operator_token)),
        )

    def sender(self, peer: str | None, forwarded_for: str | None) -> IPv4Address | IPv6Address | None:
        """Return whose request it is, as far as the proxies are trusted; ``peer`` is the connection's other end."""
        return sender(peer, forwarded_for, self._proxies)

    def count_failure(self, request: Request) -> bool:
        """Count that a request's credentials were wrong; return whether to log it by itself."""
        return self.failures.count(self.sender(request.remote_addr, request.headers.get("X-Forwarded-For")))

    def network_allowed(self, peer: str | None, forwarded_for: str | None) -> bool:
        """Tell whether the sender's address is in an allowed network.

        ``peer`` is the other end of the connection.
        """
        if not self._allowed:
            return True
        address = self.sender(peer, forwarded_for)
        return address is not None and _within(address, self._allowed)

    def url_token_valid(self, query: Mapping[str, str]) -> bool:
        """Tell whether the URL's query carries the partner's token, as ``MEMB_ID`` and ``HASH`` or ``authToken``."""
        if "authToken" in query:
            member, token = self._partner_id, query["authToken"]
        else:
            member, token = _digest(query.get("MEMB_ID", "")), query.get("HASH", "")
        token_valid = _any_same(self._secrets.tokens, _digest(token))
        return hmac.compare_digest(self._partner_id, member) & token_valid

    def hash_valid(self, fields: Iterable[tuple[str, str]], given: str) -> bool:
        """Tell whether ``given`` is the hash of the fields for any accepted secret and any kind of sender."""
        listed = list(fields)
        expected = [
            _digest(body_hash(listed, secret, encoded=encoded, empty_kept=empty_kept))
            for secret in self._secrets.hash_secrets
            for encoded in (False, True)
            for empty_kept in (True, False)
        ]
        return _any_same(expected, _digest(given.lower()))

    def operator_token_valid(self, authorization: str) -> bool:
        """Tell whether an ``Authorization`` header carries the token of the operator's own platform."""
        scheme, _, token = authorization.partition(" ")
        is_bearer = scheme.lower() == "bearer"
        return _any_same(self._secrets.operator_tokens, _digest(token.strip())) & is_bearer


def sender(
    peer: str | None, forwarded_for: str | None, proxies: tuple[Network, ...]
) -> IPv4Address | IPv6Address | None:
    """Return whose request it is that came from ``peer``, which is the sender itself or one of the proxies.

    ``X-Forwarded-For`` is read from its right end, where the nearest proxy wrote, and only as long as trusted proxies
    vouch for it: what stands further left is anybody's claim. ``None`` is nobody who could be told.
    """
    address = _address(peer)
    if (
        forwarded_for is not None
        and not forwarded_for.strip(", ")
        and address is not None
        and _within(address, proxies)
    ):
        return None  # somebody was claimed, in a way that cannot be read
    hops = (forwarded_for or "").rsplit(",", MAX_HOPS)[-MAX_HOPS:]
    while address is not None and hops and _within(address, proxies):
        claimed = hops.pop().strip()
        if claimed:
            address = _address(_without_port(claimed))
    return address


def _without_port(claimed: str) -> str:
    """Return a claimed address alone: some proxies write the port behind it, and brackets around what has colons."""
    match = _CLAIM.fullmatch(claimed)
    return (match["plain"] or match["bracketed"]) if match else claimed


def _address(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _within(address: IPv4Address | IPv6Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
