"""Which URLs may be called with a token: none by which it would cross a network in the clear."""

from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["may_carry_token"]


def may_carry_token(url: str) -> bool:
    """Tell whether the URL's host and port can be ones, and whether it is https or leads to this machine itself."""
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            return False
    except ValueError:  # a port beyond 65535, or brackets around what is no address
        return False
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
