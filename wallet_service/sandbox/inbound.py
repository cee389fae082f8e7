"""Reading what the operator sends to Lucky Monaco: fields, their lengths, and proof that it is the operator."""

import hmac
from collections.abc import Mapping

from flask import request

from wallet_service.auth import body_hash
from wallet_service.sandbox.wallet import Keys
from wallet_service.versions.body import JsonNumber, MalformedBodyError, Member, parse_body

__all__ = ["LENGTHS", "RefusedError", "hash_valid", "read_body", "read_fields", "same", "token_valid"]

LENGTHS = {"secureLogin": 32, "userId": 32, "externalPlayerId": 32, "gameId": 32, "roundId": 36, "uuid": 36, "hash": 32}
"""Characters of a field at most (contract, section 2)."""
OTHER_LENGTH = 256
"""As above, for fields whose length the contract leaves open, and for the token: whoever tries the sandbox with a
longer one than the contract's 36 characters is not there to learn that."""


class RefusedError(Exception):
    """A call is refused, with a code of the contract's section 6 and the field that it is about."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(code, field)
        self.code = code
        self.field = field


def read_body() -> dict[str, Member]:
    """Read the current request's JSON object.

    Raises:
        RefusedError: it has none.

    """
    try:
        return parse_body(request.get_data(cache=False))
    except MalformedBodyError:
        raise RefusedError("57", "body") from None


def read_fields(members: Mapping[str, Member], required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, str]:
    """Return the text of the fields that are there. An integer is taken as its text (contract, section 4).

    Raises:
        RefusedError: a required one is missing or empty, or one is no text, too long or not printable.

    """
    fields = {}
    for name in (*required, *optional):
        value = members[name].value if name in members else None
        if value is None or (isinstance(value, str) and not value.strip()):
            if name in required:
                raise RefusedError("64", name)
            if value is not None:
                # An empty roundId must not pass for an absent one, which cancels every open round.
                raise RefusedError("57", name)
            continue
        number = isinstance(value, JsonNumber)
        if not isinstance(value, str) or not value.isprintable() or (number and not value.isdecimal()):
            raise RefusedError("57", name)
        if len(value) > LENGTHS.get(name, OTHER_LENGTH):
            raise RefusedError("57", name)
        fields[name] = str(value)
    return fields


def same(expected: str, given: str) -> bool:
    """Compare a secret in constant time."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


def token_valid(keys: Keys, fields: Mapping[str, str]) -> bool:
    """Tell whether the body has the operator's name and token."""
    named = same(keys.partner_id, fields["secureLogin"])
    return same(keys.token, fields["token"]) and named


def hash_valid(keys: Keys, members: Mapping[str, Member]) -> bool:
    """Tell whether the body's hash is right for any of the ways in which senders compute it (contract, section 5)."""
    given = members["hash"].value if "hash" in members else None
    if not isinstance(given, str):
        return False
    fields = [(name, member.hashed) for name, member in members.items() if name != "hash"]
    matches = [
        same(body_hash(fields, keys.hash_secret, encoded=encoded, empty_kept=empty_kept), given.lower())
        for encoded in (False, True)
        for empty_kept in (True, False)
    ]
    return any(matches)
