"""The desk's accounts: who may log in, and as what.

Every change is an action in the log, in the same transaction.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from wallet_service.admin.account_log import log_change
from wallet_service.admin.api_tokens import revoke_tokens_made_by
from wallet_service.admin.identity import check_name, name_on_records
from wallet_service.admin.passwords import hashed
from wallet_service.admin.roles import Role
from wallet_service.ledger.models import Account, DeskSession

__all__ = ["AccountRow", "Accounts", "Changed", "LastAdminError", "NameTakenError", "UnknownError"]


class NameTakenError(Exception):
    """Another account has the name."""


class UnknownError(Exception):
    """There is no such account."""


class LastAdminError(Exception):
    """Nobody would be admin any more."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as the list shows it."""

    id: UUID
    name: str
    role: str
    created_at: datetime
    disabled_at: datetime | None

    @property
    def is_admin(self) -> bool:
        """Whether the account may log in and manage the others."""
        return self.role == Role.ADMIN.label and self.disabled_at is None


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of a change: the names of the tokens that were revoked, and how many admins there are."""

    revoked_tokens: list[str]
    admins: int


_ROW = tuple(getattr(Account, item.name) for item in fields(AccountRow))


class Accounts:
    """The accounts in one database. Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        """Use the engine's database."""
        self._engine = engine

    def all(self) -> list[AccountRow]:
        """Return every account, by name."""
        with self._engine.connect() as connection:
            return [AccountRow(*row) for row in connection.execute(select(*_ROW).order_by(Account.name))]

    def create(self, name: str, password: str, role: Role, *, by_whom: str, why: str) -> None:
        """Open an account.

        Raises:
            ValueError: the name or the password cannot be one; the message says why.
            NameTakenError: another account has the name.
            BusyError: too many passwords are being looked at.

        """
        check_name(name)
        values = {
            "id": uuid4(),
            "name": name,
            "password_hash": hashed(password),
            "role": role.label,
            "created_at": datetime.now(UTC),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(Account).values(values))
                log_change(connection, name, by_whom, why, before={}, after={"role": role.label})
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
        revoke_tokens: bool = False,
        may_leave_no_admin: bool = False,
    ) -> Changed:
        """Change an account, and end its sessions: the next request of each asks for a new login.

        ``revoke_tokens`` ends the tokens that the account made, too.

        Raises:
            ValueError: the password cannot be one.
            BusyError: too many passwords are being looked at.
            UnknownError: there is no such account.
            LastAdminError: nobody would be admin any more, and that is not what ``may_leave_no_admin`` allows.

        """
        values, after = _changes(role, password, disabled)
        with self._engine.begin() as connection:
            # All of them are locked, in one order: two admins who demote each other take turns.
            query = select(*_ROW).order_by(Account.id).with_for_update()
            rows = [AccountRow(*row) for row in connection.execute(query)]
            old = next((row for row in rows if row.name == name), None)
            if old is None:
                raise UnknownError(name)
            if values:
                connection.execute(update(Account).where(Account.id == old.id).values(values))
            new = connection.execute(select(*_ROW).where(Account.id == old.id)).one()
            admins = sum(row.is_admin for row in rows if row is not old) + AccountRow(*new).is_admin
            if old.is_admin and not admins and not may_leave_no_admin:
                raise LastAdminError(name)
            connection.execute(delete(DeskSession).where(DeskSession.account_id == old.id))
            before = {"role": old.role, "disabled": old.disabled_at is not None}
            changed = {key: before[key] for key in after if key in before}
            log_change(connection, name, by_whom, why, before=changed, after=after)
            creator = name_on_records(name)
            revoked = revoke_tokens_made_by(connection, creator, by_whom=by_whom, why=why) if revoke_tokens else []
        return Changed(revoked, admins)


def _changes(
    role: Role | None,
    password: str | None,
    disabled: bool | None,  # noqa: FBT001 - as ``change`` was told
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a change writes into the account's row, and what it says in the log."""
    values: dict[str, Any] = {}
    after: dict[str, Any] = {"sessions": "ended"}
    if role is not None:
        values["role"] = after["role"] = role.label
    if password is not None:
        values["password_hash"] = hashed(password)
        after["password"] = "changed"  # noqa: S105 - says that it was
    if disabled is not None:
        values["disabled_at"] = datetime.now(UTC) if disabled else None
        after["disabled"] = disabled
    return values, after
