"""Who somebody is at the desk: the name that accounts and tokens go by, and whoever makes a request."""

from dataclasses import dataclass

from wallet_service.admin.roles import Role

__all__ = ["MAX_NAME", "Person", "check_name", "name_on_records"]

MAX_NAME = 64


def check_name(name: str) -> None:
    """Check that an account or a token may have the name.

    Raises:
        ValueError: it may not; the message says why.

    """
    if not name.isprintable() or name != name.strip() or not 1 <= len(name) <= MAX_NAME or ":" in name:
        raise ValueError(f"a name has 1 to {MAX_NAME} printable characters, no blank at either end, and no colon")


def name_on_records(account: str) -> str:
    """Return how records name somebody who was logged in with the account."""
    return f"desk:{account}"


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever makes a request: an account in a session, or a script with a token."""

    name: str
    role: Role
    session_id: str
    """Empty for a script."""

    # What Flask-Login asks of a user.
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """Return what the session's cookie keeps."""
        return self.session_id

    @property
    def by_whom(self) -> str:
        """The name as records have it."""
        return f"token:{self.name}" if self.is_script else name_on_records(self.name)

    @property
    def is_script(self) -> bool:
        """Whether a token proves the person, and no session."""
        return not self.session_id

    def may(self, role: Role) -> bool:
        """Tell whether the person has at least that role."""
        return self.role >= role
