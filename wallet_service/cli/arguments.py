"""What people say to a command: names, and who asks why."""

import os
from collections.abc import Callable
from getpass import getuser
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from wallet_service.lucky_monaco_answers import printable
from wallet_service.names import is_name
from wallet_service.settings import Settings
from wallet_service.token_urls import may_carry_token

__all__ = ["GAME", "REFERENCE", "ROUND", "USER", "by_whom", "known_currency", "reason_option", "wallet_url"]

MAX_REASON = 500
MAX_NAME = 64

F = TypeVar("F", bound=Callable[..., Any])


class _Identifier(click.ParamType[str]):
    """A name of at most so many printable characters (contract, sections 2 and 3)."""

    name = "text"

    def __init__(self, max_length: int) -> None:
        self._max_length = max_length

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take the name as it is.

        Raises:
            click.BadParameter: it is none.

        """
        if not is_name(value, self._max_length):
            self.fail(f"must be 1 to {self._max_length} printable characters", param, ctx)
        return value


USER = _Identifier(32)
GAME = _Identifier(32)
ROUND = _Identifier(36)
REFERENCE = _Identifier(36)


def known_currency(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Check that a currency is one of ISO 4217 or of the operator's own.

    Raises:
        click.BadParameter: it is none.

    """
    if value is not None and value not in Settings.load().currencies:
        raise click.BadParameter("must be a code of ISO 4217 or of WALLET_EXTRA_CURRENCIES")
    return value


def wallet_url(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Check that a wallet can be at this URL, which has no credentials and may be called with some.

    Raises:
        click.BadParameter: none can.

    """
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port beyond 65535, or brackets around what is no address
        good = False
    if not good or parts.query or parts.fragment or parts.username:
        raise click.BadParameter("must be a URL such as http://127.0.0.1:8080")
    if not may_carry_token(value):
        raise click.BadParameter("must be https://, as the token goes there; http:// only to this machine itself")
    return value


def _reason(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip() or not value.isprintable() or len(value) > MAX_REASON:
        raise click.BadParameter(f"must say why, in one line of at most {MAX_REASON} characters")
    return value


def reason_option(name: str) -> Callable[[F], F]:
    """Return the option in which a person must say why, for ever."""
    return click.option(name, required=True, callback=_reason, help="Why; kept for ever.")


def by_whom() -> str:
    """Name who runs the command, as the records do: the user's name or, where the system has none, number."""
    try:
        name = getuser()
    except (KeyError, OSError):
        name = f"uid-{os.getuid()}"
    return f"cli:{printable(name, MAX_NAME)}"
