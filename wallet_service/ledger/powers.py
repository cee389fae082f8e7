"""What a database role may do beyond its part, as the database itself tells."""

from sqlalchemy import Connection, text

from wallet_service.ledger.grants import CALLED, CALLER, GRANTS, INNER

__all__ = ["excess_powers"]

MIGHTY = """
SELECT word FROM pg_roles r, LATERAL (VALUES
    ('is a superuser', r.rolsuper), ('passes by row security', r.rolbypassrls),
    ('may make roles', r.rolcreaterole), ('may make databases', r.rolcreatedb), ('may replicate', r.rolreplication),
    ('may make tables in the ledger''s schema', has_schema_privilege(current_schema(), 'CREATE'))
) AS told (word, is_so) WHERE r.rolname = current_user AND is_so
"""
OWNED = """
SELECT count(*) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relname = ANY (:tables) AND pg_has_role(relowner, 'MEMBER')
"""
HELD = """
SELECT c.relname AS table, p.privilege, has_table_privilege(c.oid, p.privilege) AS whole,
    CASE WHEN p.by_column THEN has_any_column_privilege(c.oid, p.privilege) ELSE false END AS part
FROM pg_class c, (VALUES
    ('SELECT', true), ('INSERT', true), ('UPDATE', true), ('REFERENCES', true),
    ('DELETE', false), ('TRUNCATE', false), ('TRIGGER', false)
) AS p (privilege, by_column)
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY (:tables)
ORDER BY c.relname, p.privilege
"""
CALLABLE = """
SELECT p.proname FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace AND p.proname = ANY (:functions)
  AND has_function_privilege(p.oid, 'EXECUTE')
ORDER BY p.proname
"""


def excess_powers(connection: Connection, group: str) -> list[str]:
    """Return what the connection's role may do that members of the group need not; nothing where that is all.

    Each is a few words, such as ``may update transactions``. A role that owns the tables may do everything to them, and
    so may a superuser: what follows from that is not told one by one.
    """
    found = list(connection.scalars(text(MIGHTY)))
    if connection.scalar(text(OWNED), {"tables": list(GRANTS)}):
        return ["owns the ledger's tables, or may become their owner", *found]
    for held in connection.execute(text(HELD), {"tables": list(GRANTS)}):
        granted = GRANTS[held.table].get(group, ())
        in_part = any(privilege.startswith(f"{held.privilege} (") for privilege in granted)
        if (held.whole or (held.part and not in_part)) and held.privilege not in granted:
            found.append(f"may {held.privilege.lower()} {held.table}")
    functions = sorted(INNER if group == CALLER else INNER | CALLED)
    return found + [f"may call {name}" for name in connection.scalars(text(CALLABLE), {"functions": functions})]
