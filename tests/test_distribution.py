"""Past one machine. Citus is not here: what it demands is proved of schema and functions, its part is stood in for.

The stand-in has the signatures and the catalogs of Citus, and refuses what Citus refuses of a table.
"""

import re
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import ENVIRONMENT, WALLET_SERVICE, as_owner, database_settings
from wallet_service.database import create_migration_engine
from wallet_service.distribution import DISTRIBUTED
from wallet_service.ledger.grants import CALLED, GRANTS, INNER
from wallet_service.ledger.statements import STATEMENTS
from wallet_service.schema import migrate

ROOT = Path(__file__).parents[1]
FUNCTIONS = ROOT / "wallet_service" / "ledger" / "functions"
PAGE = ROOT / "docs" / "scaling.md"
FOR_SEVERAL_PLAYERS = "apply_calls"
FOR_NO_PLAYER = {"enter_action", "record_reconciliation"}
BY_PLAYER = CALLED - {FOR_SEVERAL_PLAYERS} - FOR_NO_PLAYER
BODIES = {
    path.stem: re.sub(r"--.*", "", path.read_text())
    for path in sorted(FUNCTIONS.glob("*.sql"))
    if path.stem != FOR_SEVERAL_PLAYERS
}

STAND_IN = """
CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, partkey text, colocationid integer);
CREATE TABLE pg_dist_object (classid oid, objid oid, distribution_argument_index integer);
CREATE FUNCTION column_to_column_name(regclass, text) RETURNS text LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION create_distributed_table(
    table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
    colocate_with text DEFAULT 'default', shard_count integer DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = table_name AND NOT tgisinternal)
       AND NOT coalesce(current_setting('citus.enable_unsafe_triggers', true), 'off')::boolean THEN
        RAISE EXCEPTION 'cannot distribute relation % because it has triggers', table_name;
    ELSIF EXISTS (
        SELECT FROM pg_index i WHERE i.indrelid = table_name AND i.indisunique AND NOT EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = table_name AND a.attnum = ANY (i.indkey) AND a.attname = distribution_column)
    ) THEN
        RAISE EXCEPTION 'cannot create constraint on %', table_name;
    ELSIF EXISTS (
        SELECT FROM pg_constraint c WHERE c.conrelid = table_name AND c.contype = 'f'
        AND c.confrelid NOT IN (SELECT logicalrelid FROM pg_dist_partition)
    ) THEN
        RAISE EXCEPTION 'referenced table must be a distributed table or a reference table';
    ELSIF colocate_with = 'none' AND shard_count IS NULL OR colocate_with <> 'none' AND shard_count IS NOT NULL THEN
        RAISE EXCEPTION 'cannot use colocate_with with a table and shard_count at the same time';
    END IF;
    INSERT INTO pg_dist_partition SELECT table_name, distribution_column,
        CASE colocate_with WHEN 'none' THEN shard_count ELSE (
            SELECT colocationid FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass) END;
END
$$;
CREATE FUNCTION create_distributed_function(
    function_name regprocedure, distribution_arg_name text DEFAULT NULL, colocate_with text DEFAULT 'default',
    force_delegation boolean DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_index integer := (
        SELECT array_position(proargnames, distribution_arg_name) FROM pg_proc WHERE oid = function_name);
BEGIN
    IF distribution_arg_name IS NOT NULL AND (
        v_index IS NULL OR NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass)
    ) THEN
        RAISE EXCEPTION 'cannot distribute the function %', function_name;
    END IF;
    INSERT INTO pg_dist_object VALUES ('pg_proc'::regclass, function_name, v_index - 1);
END
$$;
"""


@pytest.fixture
def migrated(new_database):
    url = new_database()
    migrate(as_owner(url))
    return url


@pytest.fixture
def cluster(migrated):
    with create_migration_engine(as_owner(migrated)).begin() as connection:
        connection.exec_driver_sql(STAND_IN.replace("%", "%%"))
    return migrated


def distribute(url, *arguments):
    return subprocess.run(
        [WALLET_SERVICE, "distribute", *arguments],
        env={**ENVIRONMENT, **database_settings(url)},
        capture_output=True,
        text=True,
    )


def rows(url, query, **values):
    with create_migration_engine(as_owner(url)).connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def test_a_dry_run_needs_no_citus_and_prints_every_statement(migrated):
    done = distribute(migrated, "--dry-run", "--shards", "32")
    assert (done.returncode, done.stderr) == (0, "Nothing was changed.\n")
    first, *statements = done.stdout.splitlines()
    assert first == "SET citus.enable_unsafe_triggers = on;"
    assert statements[: len(DISTRIBUTED)] == [
        f"SELECT create_distributed_table('{table}', 'user_id', colocate_with => {where});"
        for table, where in zip(
            DISTRIBUTED, ["'none', shard_count => 32"] + ["'players'"] * (len(DISTRIBUTED) - 1), strict=True
        )
    ]
    by_player = r"SELECT create_distributed_function\('(\w+)\(text[\w,]*\)', 'p_user_id', colocate_with => 'players'\);"
    everywhere = r"SELECT create_distributed_function\('(\w+)\([\w,]*\)'\);"
    functions = statements[len(DISTRIBUTED) :]
    assert {match[1] for line in functions if (match := re.fullmatch(by_player, line))} == BY_PLAYER
    assert {match[1] for line in functions if (match := re.fullmatch(everywhere, line))} == INNER - {"refuse_change"}
    assert len(functions) == len(BY_PLAYER) + len(INNER) - 1
    assert "refund(text,uuid,uuid,text,text,text,text,numeric,boolean,json)" in done.stdout


def test_without_citus_nothing_is_tried(migrated):
    done = distribute(migrated)
    assert done.returncode == 2
    assert done.stderr == "Error: the database has no Citus; let an administrator run: CREATE EXTENSION citus\n"


def test_a_database_that_is_not_migrated_is_told_so(new_database):
    done = distribute(new_database(), "--dry-run")
    assert done.returncode == 2
    assert "run: wallet-service migrate" in done.stderr


def test_it_distributes_once_and_goes_on_where_it_was(cluster):
    with create_migration_engine(as_owner(cluster)).begin() as connection:  # as after a run that was cut short
        connection.exec_driver_sql("SELECT create_distributed_table('players', 'user_id', 'hash', 'none', 48)")
    dry = distribute(cluster, "--dry-run")
    assert "'players', 'user_id'" not in dry.stdout
    assert rows(cluster, "SELECT count(*) FROM pg_dist_partition") == [(1,)]

    done = distribute(cluster)
    assert (done.returncode, done.stderr) == (0, "The database is distributed.\n")
    assert done.stdout == dry.stdout, "what is run is what was shown"
    tables = rows(cluster, "SELECT CAST(logicalrelid AS text), partkey, colocationid FROM pg_dist_partition")
    assert sorted(tables) == sorted((table, "user_id", 48) for table in DISTRIBUTED)
    query = "SELECT proname, distribution_argument_index FROM pg_dist_object JOIN pg_proc p ON p.oid = objid"
    assert dict(rows(cluster, query)) == dict.fromkeys(BY_PLAYER, 0) | dict.fromkeys(INNER - {"refuse_change"})

    again = distribute(cluster)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "Nothing was changed.\n")


def test_a_function_that_citus_brought_over_by_itself_is_registered_yet(cluster):
    rows_of = "INSERT INTO pg_dist_object SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE proname IN ('bet', 'post')"
    with create_migration_engine(as_owner(cluster)).begin() as connection:
        connection.exec_driver_sql(rows_of)
    printed = distribute(cluster, "--dry-run").stdout
    assert "create_distributed_function('bet(" in printed
    assert "create_distributed_function('post(" not in printed


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("INSERT INTO pg_dist_partition VALUES ('players', 'state', 1)", "players by state in group 1"),
        (
            "INSERT INTO pg_dist_partition VALUES ('players', 'user_id', 1), ('wallets', 'user_id', 2)",
            "wallets by user_id in group 2",
        ),
    ],
)
def test_tables_that_are_distributed_otherwise_are_left_alone(cluster, statement, told):
    with create_migration_engine(as_owner(cluster)).begin() as connection:
        connection.exec_driver_sql(statement)
    done = distribute(cluster)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_function_for_a_player_touches_no_table_that_stays(migrated):
    names = {name for (name,) in rows(migrated, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert names > set(DISTRIBUTED)
    assert names == GRANTS.keys()
    for name in BODIES.keys() - FOR_NO_PLAYER:
        for table in names - set(DISTRIBUTED):
            assert not re.search(rf"\b{table}\b", BODIES[name]), f"{name} touches {table}"


def test_every_key_of_a_distributed_table_begins_with_the_player(migrated):
    keys = rows(
        migrated,
        """
        SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text, a.attname
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indisunique AND i.indrelid::regclass::text = ANY (:tables)
        """,
        tables=list(DISTRIBUTED),
    )
    assert {table for table, _, _ in keys} == set(DISTRIBUTED)
    assert {column for _, _, column in keys} == {"user_id"}


def test_every_foreign_key_leads_from_a_player_s_row_to_another_of_the_same_player(migrated):
    keys = rows(
        migrated,
        """
        SELECT c.conname, c.confrelid::regclass::text, mine.attname, theirs.attname FROM pg_constraint c
        JOIN pg_attribute mine ON mine.attrelid = c.conrelid AND mine.attnum = c.conkey[1]
        JOIN pg_attribute theirs ON theirs.attrelid = c.confrelid AND theirs.attnum = c.confkey[1]
        WHERE c.contype = 'f' AND (
            c.conrelid::regclass::text = ANY (:tables) OR c.confrelid::regclass::text = ANY (:tables))
        """,
        tables=list(DISTRIBUTED),
    )
    assert len(keys) >= 8
    assert {(mine, theirs) for _, _, mine, theirs in keys} == {("user_id", "user_id")}
    assert {table for _, table, _, _ in keys} <= set(DISTRIBUTED)


def test_no_row_s_name_is_made_in_the_database(migrated):
    assert rows(migrated, "SELECT sequencename FROM pg_sequences") == []
    query = "SELECT column_default FROM information_schema.columns WHERE table_name = ANY (:tables)"
    defaults = {default for (default,) in rows(migrated, query, tables=list(DISTRIBUTED))}
    assert not {default for default in defaults if default and re.search("uuid|nextval|random", default)}


@pytest.mark.parametrize("name", BODIES)
def test_a_function_s_first_argument_is_its_player(name):
    [arguments] = re.findall(rf"CREATE OR REPLACE FUNCTION {name}\(\s*(.*?)\)", BODIES[name], re.DOTALL)
    assert arguments.startswith("p_user_id text") == (name not in FOR_NO_PLAYER)


FORBIDDEN = {
    "a name made in the database": r"\b(gen_random_uuid|uuidv7|uuid_generate_\w+|nextval|random)\s*\(",
    "the transaction's time, which is older than a wait": r"\b(now\s*\(|CURRENT_TIMESTAMP|transaction_timestamp)",
    "a volatile function in an UPDATE's SET": r"\bUPDATE \w+(?: AS \w+)? SET(?:(?!\bWHERE\b).)*\w*_timestamp\s*\(",
    "what an INSERT returns, without an alias": r"INSERT INTO \w+ \((?:(?!;).)*\bRETURNING\b",
    "in ON CONFLICT DO UPDATE, a value that is not excluded's": (
        r"DO UPDATE SET(?:(?!;).)*\w+ = (?!excluded\.|known\.)(?:(?!;).)*;"
    ),
    "a lock that a new round's foreign key waits for": r"\bFOR UPDATE\b",
    "a transaction of its own": r"\b(COMMIT|ROLLBACK|SAVEPOINT)\b",
    "a table for the moment": r"\bTEMP(ORARY)?\b",
    "a statement made of text": r"\bEXECUTE\b",
    "a look at every player": r"\b(TRUNCATE|LOCK TABLE|DELETE FROM|MERGE INTO)\b",
}


@pytest.mark.parametrize("construct", FORBIDDEN)
@pytest.mark.parametrize("name", BODIES)
def test_no_function_has_what_citus_does_not_take(name, construct):
    assert not re.search(FORBIDDEN[construct], BODIES[name], re.DOTALL)


@pytest.mark.parametrize(
    ("construct", "example"),
    [
        ("a volatile function in an UPDATE's SET", "UPDATE reviews SET closed_at = clock_timestamp() WHERE true;"),
        ("what an INSERT returns, without an alias", "INSERT INTO rounds (user_id) VALUES (p_user_id) RETURNING id;"),
        (
            "in ON CONFLICT DO UPDATE, a value that is not excluded's",
            "ON CONFLICT (user_id) DO UPDATE SET sent = excluded.sent, at = v_now;",
        ),
    ],
)
def test_what_citus_does_not_take_would_be_found(construct, example):
    assert re.search(FORBIDDEN[construct], example, re.DOTALL)


def test_each_call_by_itself_is_one_statement_for_its_player():
    called = set()
    for statement in STATEMENTS.values():
        match = re.fullmatch(
            r"SELECT [a-z_, ]+ FROM (\w+)\(CAST\(:user_id AS text\)(, CAST\(:\w+ AS \w+\))*\)", str(statement)
        )
        assert match, str(statement)
        called.add(match[1])
    assert called == BY_PLAYER


@pytest.mark.parametrize("table", DISTRIBUTED)
def test_a_table_can_be_partitioned_by_player_and_not_by_time(migrated, table):
    with create_migration_engine(as_owner(migrated)).connect() as connection:
        connection.exec_driver_sql(f"CREATE TABLE parts (LIKE {table} INCLUDING ALL) PARTITION BY HASH (user_id)")
        connection.exec_driver_sql("CREATE TABLE part PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0)")
        query = (
            "SELECT attname FROM pg_attribute WHERE attrelid = 'parts'::regclass AND atttypid = 'timestamptz'::regtype"
        )
        for (time,) in connection.exec_driver_sql(query).all():
            with pytest.raises(DBAPIError, match="must include all partitioning columns"), connection.begin_nested():
                connection.exec_driver_sql(
                    f"CREATE TABLE months (LIKE {table} INCLUDING ALL) PARTITION BY RANGE ({time})"
                )


def test_the_page_s_query_tells_what_a_round_takes(player, owner):
    player.bet("1")
    [query] = re.findall(r"```sql\n(SELECT.*?)```", PAGE.read_text(), re.DOTALL)
    with owner.connect() as connection:
        [row] = connection.execute(text(query)).all()
    assert row.rounds >= 1
    assert row.transactions >= 1
    assert row.bytes_a_round > 100


def test_the_page_names_the_tables_that_are_spread():
    [line] = re.findall(r"^\| (.*) \| distributed by", PAGE.read_text(), re.MULTILINE)
    for table in DISTRIBUTED:
        assert table.removeprefix("cancellation_") in line
