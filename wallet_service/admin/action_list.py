"""The action log as a list, and what of it a role sees."""

from dataclasses import replace

from sqlalchemy import and_, case, or_

from wallet_service.admin.account_log import ACCOUNT_ENTRY
from wallet_service.admin.action_reads import changes_of
from wallet_service.admin.filters import PLAYER, Filter
from wallet_service.admin.listing import Column, Listing
from wallet_service.admin.roles import Role
from wallet_service.ledger.models import Action

__all__ = ["ACTION_LOG", "seen_by"]

ACTIONS = ("refund", "leave", "freeze", "unfreeze", "cancel", "credit", "debit", "open", ACCOUNT_ENTRY)
NAMES_A_GAME = and_(Action.kind == "cancel", Action.user_id != "")
"""Whether an entry's reference is a cancellation's game; that of a selection says how many rounds it has."""
NAMES_ANOTHER = or_(NAMES_A_GAME, Action.kind == ACCOUNT_ENTRY)

ACTION_LOG = Listing(
    name="actions",
    title="Actions",
    columns=(
        Column("at", "At", Action.at, "action"),
        Column("kind", "What", Action.kind, "word"),
        Column("by_whom", "By", Action.by_whom, "id"),
        Column("user_id", "Player", Action.user_id, "player"),
        Column("account", "Account", case((Action.kind == ACCOUNT_ENTRY, Action.reference)), "id"),
        Column("round_id", "Round", Action.round_id, "round"),
        Column("reason", "Reason", Action.reason, "word"),
        Column("game_id", "Game", case((NAMES_A_GAME, Action.reference)), "id"),
        Column("reference", "Reference", case((NAMES_ANOTHER, None), else_=Action.reference), "id"),
        Column("why", "Why", Action.why),
        Column("before", "Before", Action.before, "changes", changes_of),
        Column("after", "After", Action.after, "changes", changes_of),
        Column("transaction_id", "Transaction", Action.transaction_id, "transaction"),
        Column("id", "Action", Action.id, "hidden"),
    ),
    key=("at", "id"),
    filters=(
        PLAYER,
        Filter("round", "Round", "round_id"),
        Filter("kind", "What", "kind", "choice", ACTIONS),
        Filter("by", "By", "by_whom"),
    ),
    empty="Nobody did so.",
    free_by=("player",),
)

ACTION_LOG_WITHOUT_ACCOUNTS = replace(
    ACTION_LOG,
    columns=tuple(column for column in ACTION_LOG.columns if column.name != "account"),
    filters=tuple(
        replace(item, choices=tuple(choice for choice in item.choices if choice != ACCOUNT_ENTRY))
        for item in ACTION_LOG.filters
    ),
    joined=lambda query: query.where(Action.kind != ACCOUNT_ENTRY),
)


def seen_by(role: Role, listing: Listing) -> Listing:
    """Return what a role sees of a list: what became of accounts and tokens is for admins alone."""
    return ACTION_LOG_WITHOUT_ACCOUNTS if listing is ACTION_LOG and role < Role.ADMIN else listing
