"""The examples as commands for a shell: they run as they stand, and name a secret by its variable only.

``$WALLET`` is the wallet's address: a name that began with ``WALLET_`` would be a misspelt setting to the program.
"""

from json import dumps
from typing import Any

__all__ = ["call_command", "operator_command"]

JSON = "-H 'Content-Type: application/json'"
WIDTH = 100


def call_command(path: str, body: dict[str, Any], *, hashed: bool) -> dict[str, str]:
    """Return a wallet call as Lucky Monaco sends it; where it is ``hashed``, the shell computes the hash."""
    if not hashed:
        return _sample(f'curl -sS "$WALLET{path}?authToken=$WALLET_PARTNER_TOKEN" {JSON} -d {_quoted(body)}')
    fields = {name: value for name, value in body.items() if name != "hash"}
    joined = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    sign = f"hash=$(printf '%s' '{joined}' \"$WALLET_HASH_SECRET\" | md5sum | cut -c 1-32)"
    to = f'"$WALLET{path}?MEMB_ID=$WALLET_PARTNER_ID&HASH=$WALLET_PARTNER_TOKEN"'
    signed = _quoted(fields | {"hash": "HASH"}).replace('"HASH"', "\"'$hash'\"")
    return _sample(f"{sign}\ncurl -sS {to} {JSON} -d {signed}")


def operator_command(path: str, body: dict[str, Any] | None) -> dict[str, str]:
    """Return a request of the operator's own platform."""
    sent = f" {JSON} -d {_quoted(body)}" if body else ""
    return _sample(f'curl -sS "$WALLET{path}" -H "Authorization: Bearer $WALLET_OPERATOR_TOKEN"{sent}')


def _quoted(body: dict[str, Any]) -> str:
    """Write a body between single quotes; no example has one."""
    written = dumps(body)
    return f"'{written}'" if len(written) < WIDTH else f"'{dumps(body, indent=2)}'"


def _sample(source: str) -> dict[str, str]:
    return {"lang": "shell", "label": "curl", "source": source}
