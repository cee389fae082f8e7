"""Every check of a credential that Lucky Monaco presents (contract, section 5)."""

import hmac
import re
from collections.abc import Iterable, Mapping
from hashlib import md5
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote

from wallet_service.settings import Network, Settings

__all__ = ["Credentials", "body_hash", "sender"]


_CLAIM = re.compile(r"(?:(?P<plain>[^:\[\]]+)|\[(?P<bracketed>[^\[\]]+)\])(?::[0-9]{1,5})?")


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


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


class Credentials:
    """Decides whether a request comes from Lucky Monaco. Secrets are compared in constant time, each one to its end."""

    def __init__(self, settings: Settings) -> None:
        self._partner_id = settings.partner_id
        self._tokens = settings.partner_token
        self._secrets = settings.hash_secret
        self._allowed = settings.allowed_networks
        self._proxies = settings.trusted_proxies

    def network_allowed(self, peer: str | None, forwarded_for: str | None) -> bool:
        """Tell whether the sender's address is in an allowed network.

        ``peer`` is the other end of the connection.
        """
        if not self._allowed:
            return True
        address = sender(peer, forwarded_for, self._proxies)
        return address is not None and _within(address, self._allowed)

    def url_token_valid(self, query: Mapping[str, str]) -> bool:
        """Tell whether the URL's query carries the partner's token, as ``MEMB_ID`` and ``HASH`` or ``authToken``."""
        if "authToken" in query:
            member, token = self._partner_id, query["authToken"]
        else:
            member, token = query.get("MEMB_ID", ""), query.get("HASH", "")
        matches = [_same(expected, token) for expected in self._tokens]
        return _same(self._partner_id, member) and any(matches)

    def hash_valid(self, fields: Iterable[tuple[str, str]], given: str) -> bool:
        """Tell whether ``given`` is the hash of the fields for any accepted secret and any kind of sender."""
        listed = list(fields)
        matches = [
            _same(body_hash(listed, secret, encoded=encoded, empty_kept=empty_kept), given.lower())
            for secret in self._secrets
            for encoded in (False, True)
            for empty_kept in (True, False)
        ]
        return any(matches)


def sender(
    peer: str | None, forwarded_for: str | None, proxies: tuple[Network, ...]
) -> IPv4Address | IPv6Address | None:
    """Return whose request it is that came from ``peer``, which is the sender itself or one of the proxies.

    ``X-Forwarded-For`` is read from its right end, where the nearest proxy wrote, and only as long as trusted proxies
    vouch for it: what stands further left is anybody's claim.
    """
    address = _address(peer)
    hops = (forwarded_for or "").split(",")
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
