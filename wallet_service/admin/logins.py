"""Logging in with a password, and the sessions that come of it: they are known here, and end here."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, Engine, delete, insert, select, update

from wallet_service.admin.identity import Person
from wallet_service.admin.passwords import BusyError, hashed, is_outdated, verifies
from wallet_service.admin.roles import Role
from wallet_service.admin.throttle import ThrottledError, count_as_failed, count_no_more
from wallet_service.ledger.models import Account, DeskSession

__all__ = ["Logins"]

ABSOLUTE_LIMIT = timedelta(hours=12)
"""Of a session, however busy: a working day."""

log = structlog.get_logger("desk")


class Logins:
    """The ways in with a password, over one database. Threads may share it.

    No connection is held while a password is looked at: that takes long, and connections are few.
    """

    def __init__(self, engine: Engine) -> None:
        """Use the engine's database, whose accounts it reads and whose sessions it keeps."""
        self._engine = engine
        # Verified for a name that nobody has, so that an answer takes as long as for one that somebody has.
        self._nobody = hashed(secrets.token_urlsafe())

    def log_in(self, name: str, password: str, address: str) -> Person | None:
        """Begin a session for who has this name and password; ``None`` where nobody does.

        Raises:
            ThrottledError: too many logins with that name, or from that address, failed of late.
            BusyError: too many passwords are being looked at; this one was not.

        """
        proven = self._proven("login", name, password, address)
        if proven is None:
            return None
        account_id, password_hash = proven
        newer_hash = hashed(password) if is_outdated(password_hash) else password_hash
        with self._engine.begin() as connection:
            # It may have been changed or disabled meanwhile.
            is_the_same = (Account.id == account_id) & (Account.password_hash == password_hash)
            query = select(Account.role).where(is_the_same, Account.disabled_at.is_(None)).with_for_update()
            role = connection.scalar(query)
            if role is None:
                return None
            if newer_hash != password_hash:
                connection.execute(update(Account).where(is_the_same).values(password_hash=newer_hash))
            session_id = _begin_session(connection, account_id)
        log.info("login", name=name, address=address)
        return Person(name, Role[role.upper()], session_id)

    def knows_password(self, name: str, password: str, address: str) -> bool:
        """Tell whether it is the account's password. Wrong ones count as logins that failed.

        Raises:
            ThrottledError: too many with that name, or from that address, failed of late.
            BusyError: too many passwords are being looked at; this one was not.

        """
        return self._proven("own account", name, password, address) is not None

    def _proven(self, where: str, name: str, password: str, address: str) -> tuple[UUID, str] | None:
        """Return the account's id and password hash where the password is its own, and it is not disabled.

        ``where`` the password was typed goes to the log.
        """
        query = select(Account.id, Account.password_hash, Account.disabled_at).where(Account.name == name)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        # People type their password for their name: a name that is none of ours is not logged.
        known = name if row else None
        try:
            with self._engine.begin() as connection:
                attempt = count_as_failed(connection, name, address)
        except ThrottledError:
            log.warning("login throttled", where=where, name=known, address=address)
            raise
        try:
            right = verifies(row.password_hash if row else self._nobody, password)
        except BusyError:
            self._take_back(attempt)
            log.warning("login not looked at: busy", where=where, name=known, address=address)
            raise
        if row is None or not right or row.disabled_at is not None:
            log.warning("login failed", where=where, name=known, address=address)
            return None
        self._take_back(attempt)
        return row.id, row.password_hash

    def _take_back(self, attempt: UUID) -> None:
        with self._engine.begin() as connection:
            count_no_more(connection, attempt)

    def in_session(self, session_id: str) -> Person | None:
        """Return whose session it is; ``None`` once it was ended, or is older than a working day."""
        session = _uuid_or_none(session_id)
        if session is None:
            return None
        query = (
            select(Account.name, Account.role)
            .join(DeskSession, DeskSession.account_id == Account.id)
            .where(DeskSession.id == session, DeskSession.began_at > datetime.now(UTC) - ABSOLUTE_LIMIT)
            .where(Account.disabled_at.is_(None))
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return Person(row.name, Role[row.role.upper()], session_id) if row else None

    def end_session(self, session_id: str) -> None:
        """End a session: its cookie is good for nothing any more, wherever it is."""
        with self._engine.begin() as connection:
            connection.execute(delete(DeskSession).where(DeskSession.id == _uuid_or_none(session_id)))


def _begin_session(connection: Connection, account_id: UUID) -> str:
    now, session = datetime.now(UTC), uuid4()
    connection.execute(delete(DeskSession).where(DeskSession.began_at < now - ABSOLUTE_LIMIT))
    connection.execute(insert(DeskSession).values(id=session, account_id=account_id, began_at=now))
    return str(session)


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
