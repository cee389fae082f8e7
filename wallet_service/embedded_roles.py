"""The embedded PostgreSQL's roles: apart, as those of a database that holds real money (see deploy/roles.sql).

They have no passwords: whoever reaches the server's socket is let in as whom he says to be.
"""

import psycopg

from wallet_service.ledger.grants import CALLER, READER

__all__ = ["OWNER_LOGIN", "READER_LOGIN", "SERVICE_LOGIN", "make_roles", "url_as"]

OWNER_LOGIN = "wallet_owner"
SERVICE_LOGIN = "wallet_service"
READER_LOGIN = "wallet_desk"
ROLES = {
    CALLER: "NOLOGIN",
    READER: "NOLOGIN",
    OWNER_LOGIN: "LOGIN",
    SERVICE_LOGIN: f"LOGIN IN ROLE {CALLER}",
    READER_LOGIN: f"LOGIN IN ROLE {READER}",
}
LOCK = 0x726F6C6573
"""The advisory lock's key: several processes may begin at once."""
MAY_CREATE = """
SELECT bool_or(a.privilege_type = 'CREATE')
FROM pg_namespace n, aclexplode(n.nspacl) a JOIN pg_roles r ON r.oid = a.grantee
WHERE n.nspname = 'public' AND r.rolname = %s
"""
OF_A_RELEASE_BEFORE = """
SELECT 'TABLE', c.oid::regclass::text FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relowner = current_user::regrole
UNION ALL
SELECT 'TYPE', c.reltype::regtype::text FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'c' AND c.relowner = current_user::regrole
UNION ALL
SELECT 'FUNCTION', p.oid::regprocedure::text FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = current_user::regrole
"""
"""There was the superuser alone, and everything was its own."""


def make_roles(superuser_url: str) -> None:
    """Make the roles that are missing, and hand over to the owner what it is to own.

    What is there is not written again: another process that is migrating may be at the same rows.
    """
    with psycopg.connect(superuser_url) as connection:
        if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
            return  # a backup that is being restored has them
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        there: dict[str, list[str]] = dict(
            connection.execute("SELECT rolname, coalesce(rolconfig, '{}') FROM pg_roles").fetchall()
        )
        statements = [f"CREATE ROLE {name} {options}" for name, options in ROLES.items() if name not in there]
        if "default_transaction_read_only=on" not in there.get(READER_LOGIN, ()):
            statements.append(f"ALTER ROLE {READER_LOGIN} SET default_transaction_read_only = on")
        if connection.execute(MAY_CREATE, (OWNER_LOGIN,)).fetchone() != (True,):
            statements.append(f"GRANT CREATE ON SCHEMA public TO {OWNER_LOGIN}")
        for kind, name in connection.execute(OF_A_RELEASE_BEFORE):
            statements.append(f"ALTER {kind} {name} OWNER TO {OWNER_LOGIN}")
        for statement in statements:
            connection.execute(statement.encode())


def url_as(login: str, url: str) -> str:
    """Return a URL of the embedded database, or of another one without passwords, for another of its roles."""
    scheme, _, rest = url.partition("://")
    authority, slash, database = rest.partition("/")
    hosts = authority.rpartition("@")[2]
    return f"{scheme}://{login}@{hosts}{slash}{database}"
