"""Addresses to listen on."""

import socket

__all__ = ["AddressInUseError", "check_address"]


class AddressInUseError(Exception):
    """The address cannot be had."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        reason = str(error.strerror).partition(" (while ")[0]  # the rest is the address again
        super().__init__(f"cannot listen on {host}:{port}: {reason}")


def check_address(host: str, port: int) -> None:
    """Check that the address could be listened on.

    Raises:
        AddressInUseError: it could not.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressInUseError(host, port, error) from None
