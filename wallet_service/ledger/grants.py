"""What each kind of database role may do, and no more.

The owner migrates; tables and functions are its. The service's role is a member of ``CALLER``: it calls the ledger's
functions, which act with the owner's power, and writes nothing but the desk's own tables. Reports and the desk's pages
are read by a member of ``READER``, which sees neither accounts nor what proves who somebody is.
"""

from psycopg import errors
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

__all__ = ["CALLED", "CALLER", "GRANTS", "INNER", "READER", "MissingGroupsError", "apply_grants", "make_groups"]

CALLER = "wallet_caller"
READER = "wallet_reader"

READ_BY_BOTH = (
    *("players", "wallets", "rounds", "transactions", "refusals", "reviews", "actions"),
    *("cancellations", "cancellation_rounds", "cancellation_attempts", "reconciliations"),
    *("ledger_contract", "alembic_version"),
)
GRANTS: dict[str, dict[str, tuple[str, ...]]] = {
    **{table: {CALLER: ("SELECT",), READER: ("SELECT",)} for table in READ_BY_BOTH},
    "accounts": {CALLER: ("SELECT", "INSERT", "UPDATE (password_hash, role, disabled_at)")},
    "api_tokens": {CALLER: ("SELECT", "INSERT", "UPDATE (revoked_at)")},
    "desk_sessions": {CALLER: ("SELECT", "INSERT", "DELETE")},
    "failed_logins": {CALLER: ("SELECT", "INSERT", "DELETE")},
}
"""By table and group. What is not named here is granted to nobody."""

CALLED = frozenset(
    {
        *("adjust", "answer_cancellation", "apply_calls", "balance", "bet", "cancel", "check_wallet", "decide_review"),
        *("end_round", "enter_action", "open_wallet", "open_wallet_by_hand", "queue_review", "refund"),
        *(
            "record_reconciliation",
            "request_cancellation",
            "result",
            "session_expired",
            "set_player_state",
            "transfer",
            "win",
        ),
    }
)
"""The functions that the service calls."""
INNER = frozenset(
    {
        *("lock_wallet", "no_wallet", "only_currency", "open_review", "pay_refund", "post", "refuse"),
        "refuse_change",  # the trigger of what is kept for ever
    }
)
"""Those that only functions call. They run with the power, and the search path, of the one that was called."""

# What this role made, where the tables are; what an extension brought is left as it is.
TABLES = """
SELECT c.relname, c.oid::regclass::text FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
  AND pg_has_role(c.relowner, 'USAGE') AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')
"""
FUNCTIONS = """
SELECT p.proname, p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind IN ('f', 'p')
  AND pg_has_role(p.proowner, 'USAGE') AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
"""


class MissingGroupsError(Exception):
    """The roles that everything is granted to are not there, and whoever migrates may not make them."""


def make_groups(connection: Connection) -> None:
    """Make the groups, where they are missing.

    Raises:
        MissingGroupsError: this role may not; the message says what somebody else has to run.

    """
    there = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    missing = [f"CREATE ROLE {group} NOLOGIN" for group in (CALLER, READER) if group not in there]
    for statement in missing:
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(statement)
        except DBAPIError as error:
            if isinstance(error.orig, errors.InsufficientPrivilege):
                raise MissingGroupsError(
                    f"this role may not create roles; let an administrator of the database run: {'; '.join(missing)};"
                ) from error
            # Roles are common to all databases of a server, and another one's migration may have been faster.
            if not isinstance(error.orig, (errors.DuplicateObject, errors.UniqueViolation)):
                raise


def apply_grants(connection: Connection) -> None:
    """Grant what this release grants and revoke whatever else was, in the caller's transaction.

    The functions that are called get the owner's power, and a search path that nobody but the owner can put a table or
    a function of his own into: ``pg_temp`` would come first if it were not named last.
    """
    schema = connection.scalar(text("SELECT quote_ident(current_schema())"))
    groups = f"{CALLER}, {READER}"
    statements = [
        f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {groups}",
        f"GRANT USAGE ON SCHEMA {schema} TO {groups}",
    ]
    for name, table in connection.execute(text(TABLES)):
        granted = GRANTS.get(name)
        statements.append(f"REVOKE ALL ON {table} FROM {groups}" + (", PUBLIC" if granted else ""))
        for group, privileges in (granted or {}).items():
            statements.append(f"GRANT {', '.join(privileges)} ON {table} TO {group}")
    for name, function in connection.execute(text(FUNCTIONS)):
        is_ours = name in CALLED | INNER
        statements.append(f"REVOKE ALL ON ROUTINE {function} FROM {groups}" + (", PUBLIC" if is_ours else ""))
        if name in CALLED:
            statements.append(f"ALTER FUNCTION {function} SECURITY DEFINER SET search_path = {schema}, pg_temp")
            statements.append(f"GRANT EXECUTE ON FUNCTION {function} TO {CALLER}")
    connection.exec_driver_sql(";\n".join(statements))
