"""A database's URL as libpq reads it: with one host or several, and with whatever parameters libpq knows."""

import re

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

__all__ = ["connection_parameters"]

SCHEME = re.compile(r"postgres(ql)?(\+psycopg)?://")
PORTS = re.compile(r"([0-9]{1,5}(,[0-9]{1,5})*)?")


def connection_parameters(database_url: str) -> dict[str, str]:
    """Return what a URL says, by libpq's names; several hosts and ports are lists with commas.

    Raises:
        ValueError: it is no such URL. The message does not repeat it, as it may hold a password.

    """
    if not SCHEME.match(database_url):
        raise ValueError("not a URL of PostgreSQL")
    try:
        parameters = {
            name: str(value)
            for name, value in conninfo_to_dict(SCHEME.sub("postgresql://", database_url, count=1)).items()
        }
    except ProgrammingError:
        raise ValueError("not a URL that libpq can read") from None
    hosts = parameters.get("host", "").split(",")
    if (
        any("@" in host and not host.startswith("/") for host in hosts)
        or not PORTS.fullmatch(parameters.get("port", ""))
        or "@" in parameters.get("dbname", "")
    ):
        # Else it would be told as a part of a host's or the database's name.
        raise ValueError("an @ in the password must be written %40, and a / %2F")
    return parameters
