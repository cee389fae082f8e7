"""Every forbidden thing, tried as each database role. What there is to try comes from the catalog."""

import re

import pytest
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import as_owner, as_reader
from wallet_service.database import create_desk_engine, create_migration_engine
from wallet_service.ledger.actions import ENTER_ACTION
from wallet_service.ledger.call_groups import APPLY_CALLS
from wallet_service.ledger.grants import CALLED, GRANTS, INNER
from wallet_service.ledger.reconciliations import RECORD_RECONCILIATION
from wallet_service.ledger.statements import STATEMENTS

SECRET = {"accounts", "api_tokens", "desk_sessions", "failed_logins"}
"""The tables that say who somebody is."""
# What the service's role may do to tables, written apart from the product's own list.
WRITTEN = {
    *(f"INSERT {table}" for table in SECRET),
    *(f"DELETE {table}" for table in ("desk_sessions", "failed_logins")),
    *(f"UPDATE accounts.{column}" for column in ("password_hash", "role", "disabled_at")),
    "UPDATE api_tokens.revoked_at",
    # Whoever may update one column may lock rows.
    *("FOR UPDATE accounts", "FOR UPDATE api_tokens"),
    *(f"LOCK {table}" for table in SECRET),
    *(f"EXCLUSIVE {table}" for table in ("desk_sessions", "failed_logins")),  # whoever deletes may lock the whole
}
MAY_WRITE = {"service": WRITTEN, "reader": set()}
MAY_READ = {"service": set(GRANTS), "reader": set(GRANTS) - SECRET}
MAY_CALL = {"service": CALLED, "reader": set()}


@pytest.fixture(scope="module")
def urls(database_url):
    return {"service": database_url, "reader": as_reader(database_url), "owner": as_owner(database_url)}


@pytest.fixture(scope="module")
def engines(urls):
    engines = {name: create_migration_engine(url) for name, url in urls.items()}
    yield engines
    for engine in engines.values():
        engine.dispose()


@pytest.fixture(scope="module")
def columns(owner):
    """The columns of each table."""
    query = """
        SELECT c.relname, array_agg(a.attname::text) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0
          AND NOT a.attisdropped GROUP BY c.relname
    """
    with owner.connect() as connection:
        return dict(connection.execute(text(query)).all())


@pytest.fixture(scope="module")
def functions(owner):
    """The name of each function, with the types of its arguments."""
    query = """
        SELECT p.proname, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) t)
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
    """
    with owner.connect() as connection:
        return connection.execute(text(query)).all()


def refusal(connection, statement):
    """Try a statement and take it back; return why this role may not, ``None`` where it may."""
    try:
        with connection.begin_nested() as tried:
            connection.exec_driver_sql(statement)
            tried.rollback()
    except DBAPIError as error:
        if isinstance(error.orig, errors.InsufficientPrivilege):
            return str(error.orig)
    return None


def allowed(engine, statements):
    """Return the names of those statements that the role may carry out, were its transaction not read-only."""
    with engine.connect() as connection:
        connection.execute(text("SET TRANSACTION READ WRITE"))
        return {name for name, statement in statements.items() if refusal(connection, statement) is None}


def writes_to(columns):
    statements: dict[str, str] = {}
    for table, names in columns.items():
        statements |= {
            f"INSERT {table}": f"INSERT INTO {table} DEFAULT VALUES",
            f"DELETE {table}": f"DELETE FROM {table} WHERE false",
            f"TRUNCATE {table}": f"TRUNCATE {table} CASCADE",
            f"FOR UPDATE {table}": f"SELECT FROM {table} FOR UPDATE",
            f"LOCK {table}": f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE",
            f"EXCLUSIVE {table}": f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
            f"ALTER {table}": f"ALTER TABLE {table} ADD COLUMN more text",
            f"UNGUARD {table}": f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"OWN {table}": f"ALTER TABLE {table} OWNER TO CURRENT_USER",
            f"RENAME {table}": f"ALTER TABLE {table} RENAME TO another",
            f"DROP {table}": f"DROP TABLE {table} CASCADE",
            f"INDEX {table}": f"CREATE INDEX ON {table} ({names[0]})",
            f"RULE {table}": f"CREATE RULE r AS ON INSERT TO {table} DO INSTEAD NOTHING",
            f"TRIGGER {table}": f"CREATE TRIGGER t BEFORE INSERT ON {table} EXECUTE FUNCTION refuse_change()",
            f"POLICY {table}": f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        }
        statements |= {f"UPDATE {table}.{name}": f"UPDATE {table} SET {name} = {name} WHERE false" for name in names}
    return statements


def test_every_table_and_function_has_a_decision(columns, functions):
    assert set(columns) == set(GRANTS), "a new table needs a decision: who reads and writes it"
    assert sorted(name for name, _ in functions) == sorted(CALLED | INNER), "so does a function; none has two shapes"
    assert not CALLED & INNER
    statements = [*STATEMENTS.values(), APPLY_CALLS, ENTER_ACTION, RECORD_RECONCILIATION]
    called = {name for statement in statements for name in re.findall(r"(?:FROM|^SELECT) ([a-z_]+)\(", str(statement))}
    assert called == CALLED, "what Python does not call is not granted"


@pytest.mark.parametrize("role", ["service", "reader"])
def test_tables_are_written_as_decided_and_not_otherwise(engines, columns, role):
    assert allowed(engines[role], writes_to(columns)) == MAY_WRITE[role]
    with engines[role].connect() as connection:  # to refer to a table, one needs one's own, and none can be made
        referring = text("SELECT has_any_column_privilege(:table, 'REFERENCES')")
        assert not [table for table in columns if connection.scalar(referring, {"table": table})]


@pytest.mark.parametrize("role", ["service", "reader"])
def test_tables_are_read_as_decided_and_no_secret_by_a_reader(engines, columns, role):
    statements = {
        f"{table}.{name}": f"SELECT {name} FROM {table} WHERE false" for table in columns for name in columns[table]
    }
    expected = {f"{table}.{name}" for table in MAY_READ[role] for name in columns[table]}
    assert allowed(engines[role], statements) == expected
    whole = {table: f"SELECT FROM {table}" for table in columns}
    assert allowed(engines[role], whole) == MAY_READ[role], "nor how many there are"


@pytest.mark.parametrize("role", ["service", "reader"])
def test_functions_are_called_as_decided(engines, functions, role):
    calls = {name: f"SELECT {name}({', '.join(f'NULL::{kind}' for kind in kinds)})" for name, kinds in functions}
    assert allowed(engines[role], calls) == MAY_CALL[role]


@pytest.mark.parametrize("role", ["service", "reader"])
@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE wallet_owner",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION wallet_owner",
        "SET session_replication_role = replica",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "ALTER ROLE wallet_owner PASSWORD 'x'",
        "GRANT wallet_owner TO CURRENT_USER",
        "GRANT pg_write_all_data TO CURRENT_USER",
        "CREATE ROLE another",
        "CREATE SCHEMA another",
        "CREATE TABLE public.another (x int)",
        "CREATE VIEW public.another AS SELECT 1",
        "CREATE TYPE public.another AS (x int)",
        "CREATE FUNCTION public.another() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION public.post(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = textne)",
        "ALTER FUNCTION refund SECURITY INVOKER",
        "ALTER FUNCTION refund RESET ALL",
        "DROP FUNCTION refund",
        "ALTER TYPE receipt RENAME TO another",
        "DROP SCHEMA public CASCADE",
        "DROP OWNED BY wallet_owner",
        "REASSIGN OWNED BY wallet_owner TO CURRENT_USER",
        "ALTER DEFAULT PRIVILEGES FOR ROLE wallet_owner GRANT ALL ON TABLES TO CURRENT_USER",
        "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION refuse_change()",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/another'",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT rolpassword FROM pg_authid",
        "SELECT lo_import('/etc/passwd')",
        "DO $$ BEGIN PERFORM pg_reload_conf(); END $$",
    ],
)
def test_no_role_gets_beyond_its_own_power(engines, role, statement):
    assert allowed(engines[role], {"": statement}) == set()


def test_nobody_is_a_member_of_the_owner_or_of_more_than_one_group(owner):
    query = "SELECT member::regrole::text, roleid::regrole::text FROM pg_auth_members"
    with owner.connect() as connection:
        memberships = {tuple(row) for row in connection.execute(text(query))}
    ours = {pair for pair in memberships if pair[0].startswith("wallet_") or pair[1].startswith("wallet_")}
    assert ours == {("wallet_service", "wallet_caller"), ("wallet_desk", "wallet_reader")}


def test_what_is_granted_cannot_be_handed_on(engines, owner):
    with engines["service"].connect() as connection:
        connection.execute(text("GRANT SELECT ON accounts TO wallet_reader"))  # a warning, and no grant
        connection.commit()
    with owner.connect() as connection:
        assert not connection.scalar(text("SELECT has_table_privilege('wallet_reader', 'accounts', 'SELECT')"))


def test_the_desk_s_reads_are_read_only_whatever_the_role(database_url, engines):
    reads = create_desk_engine(database_url, 1, read_only=True)
    with reads.connect() as connection, pytest.raises(DBAPIError) as error:
        connection.execute(text("DELETE FROM failed_logins"))
    assert isinstance(error.value.orig, errors.ReadOnlySqlTransaction)
    reads.dispose()
    with engines["reader"].connect() as connection:
        assert connection.scalar(text("SHOW default_transaction_read_only")) == "on", "the embedded role's own setting"


def test_a_function_is_not_led_astray_by_what_its_caller_made(player, engines, columns, functions):
    """Tables, types and functions of the session's own, with the ledger's names, and a path that finds them first."""
    player.bet("10")
    with engines["service"].connect() as connection:
        for table in columns:
            connection.execute(text(f"CREATE TEMP TABLE {table} (LIKE public.{table})"))
        for name, kinds in functions:
            if name in INNER and name != "refuse_change":
                connection.execute(
                    text(
                        f"CREATE FUNCTION pg_temp.{name}({', '.join(kinds)}) RETURNS text LANGUAGE plpgsql"
                        " AS $$ BEGIN RAISE EXCEPTION 'led astray'; END $$"
                    )
                )
        connection.execute(text("CREATE TYPE pg_temp.receipt AS (outcome text, transaction_id text)"))
        connection.execute(
            text(
                "CREATE FUNCTION pg_temp.same(text, text) RETURNS boolean LANGUAGE plpgsql"
                " AS $$ BEGIN RAISE EXCEPTION 'led astray'; END $$"
            )
        )
        connection.execute(text("CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.same)"))
        connection.execute(text("SET search_path = pg_temp, pg_catalog, public"))
        refund = text(
            "SELECT outcome, balance FROM public.refund(CAST(:user AS text), gen_random_uuid(), gen_random_uuid(),"
            " 'USD'::text, 'r1'::text, 'g1'::text, 'f1'::text, NULL::numeric, false, '{}'::json)"
        )
        assert connection.execute(refund, {"user": player.user_id}).one() == ("applied", 100)
        for table in columns:
            assert connection.scalar(text(f"SELECT count(*) FROM pg_temp.{table}")) == 0, table
        connection.commit()
    assert player.log() == [("bet", -10), ("refund", 10)]
    assert player.state() == "refunded"


def test_every_called_function_has_the_owner_s_power_and_a_fixed_path(owner):
    query = """
        SELECT proname, prosecdef, proowner::regrole::text, coalesce(array_to_string(proconfig, ';'), '')
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """
    with owner.connect() as connection:
        for name, is_definer, its_owner, config in connection.execute(text(query)):
            assert its_owner == "wallet_owner"
            assert is_definer == (name in CALLED), name
            assert ("search_path=public, pg_temp" in config) == (name in CALLED), name


def test_the_owner_is_stopped_by_the_guard(player, owner, columns):
    """What is kept for ever is so for the owner, too, who would have to take the guard away first."""
    player.bet("10")
    query = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'refuse_change'::regproc"
    with owner.connect() as connection:
        guarded = set(connection.execute(text(query)).scalars())
    assert guarded == {"transactions", "actions", "reconciliations", "wallets"}
    statements = [
        statement
        for table in ("transactions", "actions", "reconciliations")
        for statement in (
            *(f"UPDATE {table} SET {name} = {name}" for name in columns[table]),
            *(f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"),
        )
    ]
    statements += [f"UPDATE wallets SET {name} = {name}" for name in ("user_id", "currency", "opening_balance")]
    for statement in statements:
        with owner.connect() as connection, pytest.raises(DBAPIError, match="is refused: it is kept for ever"):
            connection.execute(text(statement))


def test_only_entries_of_no_player_s_are_entered_by_hand(engines):
    with engines["service"].connect() as connection, pytest.raises(DBAPIError, match="are entered by the function"):
        connection.execute(text("SELECT enter_action(gen_random_uuid(), 'credit', 'r', 'x', 'y', NULL, NULL)"))


def test_none_of_the_roles_has_powers_over_the_server(engines):
    mighty = "rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
    for engine in engines.values():
        with engine.connect() as connection:
            assert not connection.scalar(text(f"SELECT {mighty} FROM pg_roles WHERE rolname = current_user"))
