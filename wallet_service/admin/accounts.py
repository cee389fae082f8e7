"""The desk's accounts: passwords, sessions, tokens for scripts, and how often a login may fail.

Every change is an action in the log, in the same transaction.
"""

import hmac
import secrets
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from wallet_service.admin.roles import Role
from wallet_service.ledger.models import Account, Action, ApiToken, FailedLogin

__all__ = ["AccountRow", "Accounts", "NameTakenError", "Person", "ThrottledError", "TokenRow", "UnknownError"]

MIN_PASSWORD = 12
MAX_PASSWORD = 256
"""Characters. Argon2 takes longer ones, but somebody could send very long ones for its time."""
THROTTLE_WINDOW = timedelta(minutes=15)
FAILURES_OF_A_NAME_FROM_AN_ADDRESS = 10
FAILURES_OF_A_NAME = 200
"""From wherever. It is high, or anybody could keep somebody out by failing in their name."""
FAILURES_FROM_AN_ADDRESS = 50
"""Within the window; an address may be a whole office's."""
TOKEN_PREFIX = "wsd_"  # noqa: S105 - what a token begins with, so that a scan finds a lost one


class NameTakenError(Exception):
    """Another account has the name."""


class UnknownError(Exception):
    """There is no such account or token."""


class ThrottledError(Exception):
    """Too many logins failed; this one was not looked at."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever makes a request: an account in a session, or a script with a token."""

    name: str
    role: Role
    session_id: str
    """``account:session key``; empty for a script."""

    # What Flask-Login asks of a user.
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """Return what the session keeps."""
        return self.session_id

    @property
    def by_whom(self) -> str:
        """The name as records have it."""
        return f"token:{self.name}" if self.is_script else f"desk:{self.name}"

    @property
    def is_script(self) -> bool:
        """Whether a token proves the person, and no session."""
        return not self.session_id

    def may(self, role: Role) -> bool:
        """Tell whether the person has at least that role."""
        return self.role >= role


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as the list shows it."""

    id: UUID
    name: str
    role: str
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as the list shows it: never the token itself."""

    id: UUID
    name: str
    role: str
    created_by: str
    created_at: datetime
    revoked_at: datetime | None


class Accounts:
    """The accounts in one database. Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hasher = PasswordHasher()
        # Verified for a name that nobody has, so that an answer takes as long as for one that somebody has.
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def log_in(self, name: str, password: str, address: str) -> Person | None:
        """Return who has this name and password; ``None`` where nobody does.

        Raises:
            ThrottledError: too many logins with that name, or from that address, failed of late.

        """
        with self._engine.begin() as connection:
            self._check_throttle(connection, name, address)
            query = select(Account.id, Account.password_hash, Account.role, Account.session_key).where(
                Account.name == name, Account.disabled_at.is_(None)
            )
            row = connection.execute(query).one_or_none()
            if self._verifies(row.password_hash if row else self._nobody, password) and row:
                if self._hasher.check_needs_rehash(row.password_hash):
                    hashed = self._hasher.hash(password)
                    connection.execute(update(Account).where(Account.id == row.id).values(password_hash=hashed))
                return Person(name, Role[row.role.upper()], f"{row.id}:{row.session_key}")
            connection.execute(delete(FailedLogin).where(FailedLogin.at < _now() - THROTTLE_WINDOW))
            connection.execute(insert(FailedLogin).values(id=uuid7(), name=name, address=address, at=_now()))
        return None

    def _check_throttle(self, connection: Connection, name: str, address: str) -> None:
        since = _now() - THROTTLE_WINDOW
        of_name, from_address = FailedLogin.name == name, FailedLogin.address == address
        for which, most in (
            (of_name & from_address, FAILURES_OF_A_NAME_FROM_AN_ADDRESS),
            (of_name, FAILURES_OF_A_NAME),
            (from_address, FAILURES_FROM_AN_ADDRESS),
        ):
            query = select(func.count()).select_from(FailedLogin).where(which, FailedLogin.at > since)
            if (connection.scalar(query) or 0) >= most:
                raise ThrottledError

    def _verifies(self, password_hash: str, password: str) -> bool:
        try:
            return len(password) <= MAX_PASSWORD and self._hasher.verify(password_hash, password)
        except VerificationError:
            return False

    def in_session(self, session_id: str) -> Person | None:
        """Return whose session it is; ``None`` once the account is disabled or all its sessions were ended."""
        account_id, _, session_key = session_id.partition(":")
        try:
            account = UUID(account_id)
        except ValueError:
            return None
        query = select(Account.name, Account.role, Account.session_key).where(
            Account.id == account, Account.disabled_at.is_(None)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or not hmac.compare_digest(str(row.session_key), session_key):
            return None
        return Person(row.name, Role[row.role.upper()], session_id)

    def with_token(self, token: str) -> Person | None:
        """Return the script that has this token; ``None`` where none does, or it was revoked."""
        query = select(ApiToken.name, ApiToken.role).where(
            ApiToken.token_hash == _token_hash(token), ApiToken.revoked_at.is_(None)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return Person(row.name, Role[row.role.upper()], "") if row else None

    def create(self, name: str, password: str, role: Role, *, by_whom: str, why: str) -> None:
        """Open an account.

        Raises:
            ValueError: the name or the password cannot be one; the message says why.
            NameTakenError: another account has the name.

        """
        if not name.isprintable() or not 1 <= len(name.strip()) <= len(name) <= 64 or ":" in name:  # noqa: PLR2004
            raise ValueError("a name has 1 to 64 printable characters, and no colon")
        values = {
            "id": uuid4(),
            "name": name,
            "password_hash": self._hashed(password),
            "role": role.label,
            "session_key": uuid4(),
            "created_at": _now(),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(Account).values(values))
                _log(connection, name, by_whom, why, before={}, after={"role": role.label})
        except IntegrityError as error:
            raise NameTakenError(name) from error

    def change(
        self,
        name: str,
        *,
        by_whom: str,
        why: str,
        role: Role | None = None,
        password: str | None = None,
        disabled: bool | None = None,
    ) -> None:
        """Change an account, and end its sessions: the next request of each asks for a new login.

        Raises:
            ValueError: the password cannot be one.
            UnknownError: there is no such account.

        """
        values: dict[str, Any] = {"session_key": uuid4()}
        after: dict[str, Any] = {"sessions": "ended"}
        if role is not None:
            values["role"] = after["role"] = role.label
        if password is not None:
            values["password_hash"] = self._hashed(password)
            after["password"] = "changed"  # noqa: S105 - says that it was
        if disabled is not None:
            values["disabled_at"] = _now() if disabled else None
            after["disabled"] = disabled
        with self._engine.begin() as connection:
            query = select(Account.role, Account.disabled_at).where(Account.name == name).with_for_update()
            row = connection.execute(query).one_or_none()
            if row is None:
                raise UnknownError(name)
            connection.execute(update(Account).where(Account.name == name).values(values))
            before = {"role": row.role, "disabled": row.disabled_at is not None}
            changed = {key: before[key] for key in after if key in before}
            _log(connection, name, by_whom, why, before=changed, after=after)

    def create_token(self, name: str, role: Role, *, by_whom: str, why: str) -> str:
        """Make a token for a script, and return it: it is shown this once, and only its hash is kept.

        Raises:
            ValueError: the name cannot be one.

        """
        if not name.isprintable() or not 1 <= len(name.strip()) <= len(name) <= 64:  # noqa: PLR2004
            raise ValueError("a name has 1 to 64 printable characters")
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        values = {
            "id": uuid4(),
            "name": name,
            "token_hash": _token_hash(token),
            "role": role.label,
            "created_by": by_whom,
            "created_at": _now(),
        }
        with self._engine.begin() as connection:
            connection.execute(insert(ApiToken).values(values))
            _log(connection, f"token {name}", by_whom, why, before={}, after={"role": role.label})
        return token

    def revoke_token(self, token_id: UUID, *, by_whom: str, why: str) -> None:
        """End a token for ever.

        Raises:
            UnknownError: there is no such token, or it was revoked.

        """
        with self._engine.begin() as connection:
            revoked = (
                update(ApiToken)
                .where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
                .values(revoked_at=_now())
                .returning(ApiToken.name)
            )
            name = connection.scalar(revoked)
            if name is None:
                raise UnknownError(str(token_id))
            _log(connection, f"token {name}", by_whom, why, before={"revoked": False}, after={"revoked": True})

    def accounts(self) -> list[AccountRow]:
        """Return every account, by name."""
        columns = [getattr(Account, item.name) for item in fields(AccountRow)]
        with self._engine.connect() as connection:
            return [AccountRow(*row) for row in connection.execute(select(*columns).order_by(Account.name))]

    def tokens(self) -> list[TokenRow]:
        """Return every token, the newest first."""
        columns = [getattr(ApiToken, item.name) for item in fields(TokenRow)]
        with self._engine.connect() as connection:
            rows = connection.execute(select(*columns).order_by(ApiToken.created_at.desc()))
            return [TokenRow(*row) for row in rows]

    def _hashed(self, password: str) -> str:
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise ValueError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        return self._hasher.hash(password)


def _log(
    connection: Connection, subject: str, by_whom: str, why: str, *, before: dict[str, Any], after: dict[str, Any]
) -> None:
    connection.execute(
        insert(Action).values(
            user_id="",
            id=uuid7(),
            kind="account",
            reference=subject,
            by_whom=by_whom,
            why=why,
            at=_now(),
            before=before,
            after=after,
        )
    )


def _token_hash(token: str) -> str:
    # A token is random and long: a plain hash tells nobody anything, and finds it at once.
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)
