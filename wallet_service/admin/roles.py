"""The roles of the desk, and what each route asks for. What is not in the table is nobody's."""

from enum import IntEnum

__all__ = ["ACCESS", "ANYBODY", "PEOPLE_ALONE", "Role"]


class Role(IntEnum):
    """Who somebody is at the desk. A higher role may do whatever a lower one may."""

    VIEWER = 1
    """Sees everything but accounts and tokens, and what became of them."""
    OPERATOR = 2
    """Acts: cancels, decides, freezes, adjusts."""
    ADMIN = 3
    """Manages accounts and tokens."""

    @property
    def label(self) -> str:
        """The role as it is written."""
        return self.name.lower()


ANYBODY = None
ACCESS: dict[str, Role | None] = {
    "static": ANYBODY,
    "bootstrap.static": ANYBODY,
    "login": ANYBODY,
    "logout": Role.VIEWER,
    "logout_everywhere": Role.VIEWER,
    "overview": Role.VIEWER,
    "rounds": Role.VIEWER,
    "rounds_csv": Role.VIEWER,
    "transactions": Role.VIEWER,
    "transactions_csv": Role.VIEWER,
    "refusals": Role.VIEWER,
    "refusals_csv": Role.VIEWER,
    "cancellations": Role.VIEWER,
    "cancellations_csv": Role.VIEWER,
    "reviews": Role.VIEWER,
    "reviews_csv": Role.VIEWER,
    "actions": Role.VIEWER,
    "actions_csv": Role.VIEWER,
    "search": Role.VIEWER,
    "player_page": Role.VIEWER,
    "round_page": Role.VIEWER,
    "transaction_page": Role.VIEWER,
    "me": Role.VIEWER,
    "reference": Role.VIEWER,
    "action_page": Role.VIEWER,
    "cancel_progress": Role.VIEWER,
    "selection_progress": Role.VIEWER,
    "freeze": Role.OPERATOR,
    "adjust": Role.OPERATOR,
    "decide": Role.OPERATOR,
    "cancel": Role.OPERATOR,
    "cancel_selection": Role.OPERATOR,
    "people": Role.ADMIN,
    "person_page": Role.ADMIN,
    "tokens": Role.ADMIN,
    "revoke": Role.ADMIN,
}
"""The least role of each endpoint."""
PEOPLE_ALONE = frozenset({"people", "person_page", "tokens"})
"""Where no script changes anything: what a token let in would stay when the token is revoked."""
