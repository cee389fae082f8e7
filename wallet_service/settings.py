"""The service's settings: the only reader of the environment."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from iso4217 import Currency

from wallet_service.database_urls import connection_parameters
from wallet_service.token_urls import may_carry_token

__all__ = ["ContractVersion", "Network", "Settings", "SettingsError"]

Network = IPv4Network | IPv6Network
ContractVersion = Literal["v4", "v4.02"]
"""The published versions of the contract, as ``WALLET_LUCKY_MONACO_VERSION`` names them."""

ISO_4217 = frozenset(currency.code for currency in Currency)

PREFIX = "WALLET_"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FILE = "_FILE"
"""Ends the name of the variable that says in which file a secret setting is."""
MAX_FILE_BYTES = 64 * 1024
MAPPED_BITS = 96
"""Bits before the IPv4 address in one that is written as IPv6."""
MIN_SECRET_KEY = 32
MAX_TIMEOUT_S = 30
"""A call may take several times as long, and must be over while its record still says that it is under way."""


SENT = {"lucky_monaco_token": "partner_token", "lucky_monaco_hash_secret": "hash_secret"}
"""What our calls carry; unset, it is the first of those that are accepted."""


class SettingsError(Exception):
    """A setting is missing or wrong. The message is one line that names it."""


def _text(value: str) -> str:
    return value


def _list(value: str) -> tuple[str, ...]:
    return tuple(item for item in (part.strip() for part in value.split(",")) if item)


def _networks(value: str) -> tuple[Network, ...]:
    return tuple(_unmapped(ipaddress.ip_network(item)) for item in _list(value))


def _unmapped(network: Network) -> Network:
    """Return a network of IPv4 addresses that is written as IPv6 (``::ffff:…``) as the IPv4 network that it is."""
    address = network.network_address
    if isinstance(address, IPv6Address) and address.ipv4_mapped and network.prefixlen >= MAPPED_BITS:
        return IPv4Network((address.ipv4_mapped, network.prefixlen - MAPPED_BITS))
    return network


def _proxies(value: str) -> tuple[Network, ...]:
    networks = _networks(value)
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("must not be every address: anybody could write whose request it is")
    return networks


def _database_url(value: str) -> str:
    try:
        connection_parameters(value)
    except ValueError:
        raise ValueError("must be a URL such as postgresql://user:password@host:5432/database") from None
    return value


def _prefix(value: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value) or value == "/V4":
        raise ValueError("must be a path such as /v4, without a slash at its end, and other than /V4")
    return value


def _lucky_monaco_url(value: str) -> str:
    host = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*)"
    if not re.fullmatch(rf"https?://{host}(:[0-9]{{1,5}})?(/[A-Za-z0-9._~-]+)*/?", value) or not may_carry_token(value):
        # Without the value: a password may be what is wrong with it.
        raise ValueError(
            "must be a URL such as https://api.example.com, without credentials, query or fragment; "
            "http:// only to this machine itself"
        )
    return value.rstrip("/")


def _traces_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or not value.isprintable():
        raise ValueError("must be a URL such as http://collector:4318/v1/traces, without credentials")
    return value


def _contract_version(value: str) -> str:
    if value not in {"v4", "v4.02"}:
        raise ValueError("must be v4 or v4.02")
    return value


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]{2,10}", value):
        raise ValueError("must be a currency code")
    return value


def _extra_currencies(value: str) -> tuple[str, ...]:
    codes = _list(value)
    if not all(re.fullmatch(r"[A-Z0-9]{2,10}", code) for code in codes):
        raise ValueError("must be codes of two to ten capital letters and digits, comma-separated")
    return codes


def _refund_settled_round(value: str) -> str:
    if value not in {"refuse", "reverse"}:
        raise ValueError("must be refuse or reverse")
    return value


def _on_or_off(value: str) -> str:
    if value not in {"on", "off"}:
        raise ValueError("must be on or off")
    return value


def _log_level(value: str) -> str:
    if value.upper() not in LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
    return value.upper()


def _whole_number(most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", value) or not 1 <= int(value) <= most:
            raise ValueError(f"must be a whole number from 1 to {most}")
        return int(value)

    return read


def _secret_key(value: str) -> str:
    if len(value) < MIN_SECRET_KEY:
        raise ValueError(f"must have at least {MIN_SECRET_KEY} characters")
    return value


def _in_file(path: str) -> str:
    """Return the one line that a secret's file holds."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1).decode().strip()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except ValueError:  # not UTF-8, or a path that can be none; their words repeat it
        raise ValueError("must name a file of UTF-8 text") from None
    if not text or not text.isprintable() or len(text) > MAX_FILE_BYTES:
        raise ValueError("must name a file that holds the value, in one line")
    return text


def _setting(read: Any, default: Any, text: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"read": read, "help": text, "secret": secret})


@dataclass(frozen=True)
class Settings:
    """Everything the service can be told. Each field ``x`` is the variable ``WALLET_X``."""

    database_url: str = _setting(
        _database_url,
        "",
        "PostgreSQL 15 or later, as `postgresql://user:password@host:5432/database`. Unset: the embedded one.",
        secret=True,
    )
    owner_database_url: str = _setting(
        _database_url,
        "",
        "The same database, as the role that owns the tables: for `migrate`, `seed`. Unset: `WALLET_DATABASE_URL`.",
        secret=True,
    )
    reader_database_url: str = _setting(
        _database_url,
        "",
        "The same database, as a role that reads: for the desk's pages and reports. Unset: `WALLET_DATABASE_URL`.",
        secret=True,
    )
    data_dir: Path = _setting(Path, Path("var"), "Where the embedded PostgreSQL keeps its data.")
    partner_id: str = _setting(_text, "", "Your partner id at Lucky Monaco: `MEMB_ID` in the URL they call.")
    partner_token: tuple[str, ...] = _setting(
        _list,
        (),
        "The secret in the URL they call (`HASH` or `authToken`). Comma-separated: all are accepted.",
        secret=True,
    )
    hash_secret: tuple[str, ...] = _setting(
        _list, (), "The secret behind the body's `hash`. Comma-separated: all are accepted.", secret=True
    )
    operator_token: tuple[str, ...] = _setting(
        _list,
        (),
        "The bearer token of your own platform at `/operator`. Comma-separated: all are accepted. Unset: no such path.",
        secret=True,
    )
    admin_secret_key: str = _setting(
        _secret_key,
        "",
        "What signs the desk's sessions: 32 random characters or more, the same for every worker. Unset: no `/admin`.",
        secret=True,
    )
    admin_port: int = _setting(
        _whole_number(65_535),
        0,
        "A port of its own for `/admin`, and `/metrics`. Unset: `/admin` is on the wallet's.",
    )
    provider_id: str = _setting(_text, "", "The `providerId` every call must carry. Unset: any.")
    v4_currency: str = _setting(
        _currency, "", "The wallet of V4 calls, which name no currency. Unset: the player's only wallet."
    )
    extra_currencies: tuple[str, ...] = _setting(
        _extra_currencies, (), "Currency codes beyond ISO 4217, comma-separated, such as `BTC,USDT`."
    )
    refund_settled_round: str = _setting(
        _refund_settled_round,
        "refuse",
        "What a Refund of a settled round does: `refuse` it and leave it to ops, or `reverse` the round, wins and all.",
    )
    v402_prefix: str = _setting(_prefix, "/v4", "The path of the v4.02 calls (white-label brands use another).")
    lucky_monaco_url: str = _setting(
        _lucky_monaco_url, "", "Where Lucky Monaco takes your calls, such as `https://api.example.com`."
    )
    lucky_monaco_version: ContractVersion = _setting(
        _contract_version, "v4.02", "The version of the contract in which you call them: `v4` or `v4.02`."
    )
    lucky_monaco_token: str = _setting(
        _text, "", "Your token in calls to them. Unset: the first of `WALLET_PARTNER_TOKEN`.", secret=True
    )
    lucky_monaco_hash_secret: str = _setting(
        _text,
        "",
        "The secret behind the `hash` of V4 calls to them. Unset: the first of `WALLET_HASH_SECRET`.",
        secret=True,
    )
    lucky_monaco_timeout: int = _setting(
        _whole_number(MAX_TIMEOUT_S),
        20,
        "Seconds of their silence after which it is not known whether they took a call.",
    )
    refund_overdue_minutes: int = _setting(
        _whole_number(365 * 24 * 60),
        60,
        "How long after an accepted CancelRound its Refund may take to come before the cancellation is overdue.",
    )
    allowed_networks: tuple[Network, ...] = _setting(
        _networks, (), "Networks that may make wallet calls, comma-separated. Unset: any."
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        _proxies, (), "Networks of your proxies, whose `X-Forwarded-For` is believed. Unset: none."
    )
    history_calls_per_minute: int = _setting(
        _whole_number(100_000), 1, "How many calls for past rounds Lucky Monaco takes in a minute."
    )
    history_portion_minutes: int = _setting(
        _whole_number(1440), 10, "The longest period of past rounds that one call to them may name, in minutes."
    )
    history_days: int = _setting(_whole_number(3660), 31, "How many days back they answer for past rounds.")
    calls_at_once: int = _setting(
        _whole_number(1024), 64, "Calls one worker handles at once; those beyond are told at once to come again (998)."
    )
    calls_together: int = _setting(
        _whole_number(256),
        32,
        "How many of the calls that wait at the same time a worker applies under one commit. `1`: each by itself.",
    )
    connections: int = _setting(
        _whole_number(256),
        8,
        "Connections of one worker to the database for calls that go by themselves; one more is for those together.",
    )
    prepared_statements: Literal["on", "off"] = _setting(
        _on_or_off, "on", "`off` behind a pooler that shares connections between transactions, such as PgBouncer 1.18."
    )
    traces_url: str = _setting(
        _traces_url, "", "Where a trace of each call goes, as `http://collector:4318/v1/traces` (OTLP). Unset: nowhere."
    )
    log_level: str = _setting(_log_level, "INFO", f"One of {', '.join(LOG_LEVELS)}.")

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the settings from the environment. An empty variable counts as unset.

        A secret's value may stand in a file instead, which the variable with ``_FILE`` behind its name names.

        Raises:
            SettingsError: a value is wrong, or a ``WALLET_`` variable is none of ours (a typing mistake there could
                leave, say, the allowed networks open).

        """
        known = {PREFIX + item.name.upper(): item for item in fields(cls) if item.metadata}
        in_files = {name + FILE: item for name, item in known.items() if item.metadata["secret"]}
        values: dict[str, Any] = {}
        for name, value in environ.items():
            if not name.startswith(PREFIX) or not value.strip():
                continue
            item = known.get(name) or in_files.get(name)
            if item is None:
                raise SettingsError(f"{name} is not a setting of this service")
            if item.name in values:
                raise SettingsError(f"{PREFIX}{item.name.upper()} and {PREFIX}{item.name.upper()}{FILE} are both set")
            try:
                text = _in_file(value.strip()) if name in in_files else value.strip()
                values[item.name] = item.metadata["read"](text)
            except ValueError as error:
                raise SettingsError(f"{name} {error}") from None
        # Callers may present any of several secrets while one is replaced; a call of ours carries one.
        for name, accepted in SENT.items():
            if values.get(accepted):
                values.setdefault(name, values[accepted][0])
        if "database_url" in values:
            for name in ("owner_database_url", "reader_database_url"):
                values.setdefault(name, values["database_url"])
        return cls(**values)

    def renewed(self, environ: Mapping[str, str] = os.environ) -> Self:
        """Return these settings with the secrets read again that are in files; all else stays what it was.

        Raises:
            SettingsError: one of them is wrong now.

        """
        fresh = type(self).load(environ)
        names = {
            item.name
            for item in fields(self)
            if item.metadata.get("secret") and environ.get(PREFIX + item.name.upper() + FILE, "").strip()
        }
        names |= {name for name, accepted in SENT.items() if accepted in names}
        fresh = replace(self, **{name: getattr(fresh, name) for name in names})
        fresh.require_secrets()
        return fresh

    @property
    def has_roles_apart(self) -> bool:
        """Tell whether owning, serving and reading are the parts of different database roles."""
        return len({self.database_url, self.owner_database_url, self.reader_database_url}) > 1

    @property
    def currencies(self) -> frozenset[str]:
        """The currency codes that are known: ISO 4217's and the operator's own."""
        return ISO_4217 | set(self.extra_currencies)

    @property
    def serving_urls(self) -> dict[str, str]:
        """The URLs that serving needs, by the variable that each is told by; none of an embedded database."""
        urls = {"WALLET_DATABASE_URL": self.database_url, "WALLET_READER_DATABASE_URL": self.reader_database_url}
        return {variable: url for variable, url in urls.items() if self.database_url}

    @property
    def is_pooled(self) -> bool:
        """Tell whether a pooler stands before the database, which gives each statement any connection."""
        return self.prepared_statements == "off"

    def require_secrets(self) -> None:
        """Check that callers can be told from strangers. A wallet without secrets does not start (contract, section 5).

        Raises:
            SettingsError: names every setting that is missing.

        """
        needed = ("partner_id", "partner_token", "hash_secret")
        missing = [PREFIX + name.upper() for name in needed if not getattr(self, name)]
        if missing:
            raise SettingsError(f"{', '.join(missing)} must be set: without them anybody could move money")
