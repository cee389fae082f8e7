"""The tokens by which scripts are known. A token is shown once, and only its hash is kept.

Every change is an action in the log, in the same transaction.
"""

import secrets
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from wallet_service.admin.account_log import log_change
from wallet_service.admin.identity import Person, check_name
from wallet_service.admin.roles import Role
from wallet_service.ledger.models import ApiToken

__all__ = ["ApiTokens", "TokenNameTakenError", "TokenRow", "UnknownTokenError", "revoke_tokens_made_by"]

TOKEN_PREFIX = "wsd_"  # noqa: S105 - what a token begins with, so that a scan finds a lost one


class TokenNameTakenError(Exception):
    """Another token has the name, and is not revoked."""


class UnknownTokenError(Exception):
    """There is no such token, or it was revoked before."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as the list shows it: never the token itself."""

    id: UUID
    name: str
    role: str
    created_by: str
    created_at: datetime
    revoked_at: datetime | None


class ApiTokens:
    """The tokens in one database. Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        """Use the engine's database."""
        self._engine = engine

    def bearer(self, token: str) -> Person | None:
        """Return the script that has this token; ``None`` where none does, or it was revoked."""
        query = select(ApiToken.name, ApiToken.role).where(
            ApiToken.token_hash == _token_hash(token), ApiToken.revoked_at.is_(None)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return Person(row.name, Role[row.role.upper()], "") if row else None

    def create(self, name: str, role: Role, *, by_whom: str, why: str) -> str:
        """Make a token for a script, and return it: it is shown this once.

        Raises:
            ValueError: the name cannot be one; the message says why.
            TokenNameTakenError: another token has the name.

        """
        check_name(name)
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        values = {
            "id": uuid4(),
            "name": name,
            "token_hash": _token_hash(token),
            "role": role.label,
            "created_by": by_whom,
            "created_at": datetime.now(UTC),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(ApiToken).values(values))
                log_change(connection, f"token {name}", by_whom, why, before={}, after={"role": role.label})
        except IntegrityError as error:
            raise TokenNameTakenError(name) from error
        return token

    def revoke(self, token_id: UUID, *, by_whom: str, why: str) -> None:
        """End a token for ever.

        Raises:
            UnknownTokenError: there is no such token, or it was revoked before.

        """
        with self._engine.begin() as connection:
            if not _revoke(connection, ApiToken.id == token_id, by_whom, why):
                raise UnknownTokenError(str(token_id))

    def all(self) -> list[TokenRow]:
        """Return every token, the newest first."""
        return self._rows()

    def good_ones_made_by(self, by_whom: str) -> list[TokenRow]:
        """Return the tokens that somebody made and nobody revoked, the newest first."""
        return self._rows(ApiToken.created_by == by_whom, ApiToken.revoked_at.is_(None))

    def _rows(self, *conditions: ColumnElement[bool]) -> list[TokenRow]:
        columns = [getattr(ApiToken, item.name) for item in fields(TokenRow)]
        query = select(*columns).where(*conditions).order_by(ApiToken.created_at.desc())
        with self._engine.connect() as connection:
            return [TokenRow(*row) for row in connection.execute(query)]


def revoke_tokens_made_by(connection: Connection, creator: str, *, by_whom: str, why: str) -> list[str]:
    """End every token that ``creator`` made, for ever; return their names."""
    return _revoke(connection, ApiToken.created_by == creator, by_whom, why)


def _revoke(connection: Connection, which: ColumnElement[bool], by_whom: str, why: str) -> list[str]:
    revoked = (
        update(ApiToken)
        .where(which, ApiToken.revoked_at.is_(None))
        .values(revoked_at=datetime.now(UTC))
        .returning(ApiToken.name)
    )
    names = sorted(connection.scalars(revoked))
    for name in names:
        log_change(connection, f"token {name}", by_whom, why, before={"revoked": False}, after={"revoked": True})
    return names


def _token_hash(token: str) -> str:
    # A token is random and long: a plain hash tells nobody anything, and finds it at once.
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
