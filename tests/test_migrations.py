"""Migrations: numbered, reversible, and the models are what they make."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, text
from sqlalchemy.schema import ColumnCollectionConstraint

from tests.conftest import ENVIRONMENT, WALLET_SERVICE, as_owner, database_settings
from wallet_service import schema
from wallet_service.database import create_migration_engine, create_wallet_engine
from wallet_service.ledger.calls import Bet, OpenWallet
from wallet_service.ledger.functions import CONTRACT
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.models import Base
from wallet_service.ledger.outcomes import Outcome

VERSIONS = Path(__file__).parent.parent / "migrations" / "versions"


@pytest.fixture
def url(new_database):
    return as_owner(new_database())


@pytest.fixture
def database(url):
    engine = create_migration_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def config(database):
    config = schema.alembic_config()
    config.attributes["engine"] = database
    return config


def objects(engine):
    """Return every table, column, constraint, index, trigger, type and function of the database."""
    query = """
        SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || coalesce(column_default, '')
               || is_nullable FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'constraint ' || conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid > 0
                  AND connamespace = 'public'::regnamespace
        UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc
                  WHERE pronamespace = 'public'::regnamespace
    """
    with engine.connect() as connection:
        return set(connection.execute(text(query)).scalars())


def test_files_are_numbered_and_chained():
    names = sorted(path.stem for path in VERSIONS.glob("*.py"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    scripts = ScriptDirectory.from_config(schema.alembic_config())
    assert [script.revision for script in scripts.walk_revisions()] == names[::-1], "revision id == file stem, in line"
    assert all(re.fullmatch(r"\d{4}_[a-z]+(_[a-z]+)+", name) for name in names)


def test_up_down_up(database, config):
    command.upgrade(config, "head")
    first = objects(database)
    assert any("refund" in item for item in first)
    command.downgrade(config, "base")
    assert {item for item in objects(database) if "alembic_version" not in item} == set()
    command.upgrade(config, "head")
    assert objects(database) == first


def test_each_step_up_down_up(config):
    scripts = ScriptDirectory.from_config(config)
    for script in reversed(list(scripts.walk_revisions())):
        command.upgrade(config, script.revision)
        command.downgrade(config, "-1")
        command.upgrade(config, script.revision)


def test_models_are_equal_to_the_migrated_schema(database, config):
    command.upgrade(config, "head")
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_check_constraints_of_models_and_schema_are_equal(database, config):
    """Alembic does not compare them."""
    command.upgrade(config, "head")
    with database.connect() as connection:
        query = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
        migrated = set(connection.execute(text(query)).scalars())
    declared = {
        constraint.name
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    assert migrated == declared


def test_user_id_stands_first_in_every_key():
    for table in Base.metadata.tables.values():
        desk = {"accounts", "api_tokens", "desk_sessions", "failed_logins"}
        if table.name in {"ledger_contract", "reconciliations", *desk}:
            continue  # no function that acts on a player touches them, so they need not be spread
        keys = [[*index.columns] for index in table.indexes if index.unique]
        keys += [
            [*key.columns]
            for key in table.constraints
            if isinstance(key, ColumnCollectionConstraint) and not isinstance(key, CheckConstraint)
        ]
        assert len(keys) >= 1
        for columns in keys:
            assert columns[0].name == "user_id", (table.name, columns)


def test_migrating_twice_at_once_takes_turns(new_database):
    url = new_database()

    def migrate(_):
        return subprocess.run(
            [WALLET_SERVICE, "migrate"],
            env={**ENVIRONMENT, **database_settings(url)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(migrate, range(3)))
    assert [result.returncode for result in results] == [0, 0, 0], results
    assert {result.stdout for result in results} == {f"The database is at {schema.HEAD}.\n"}


def test_bets_go_on_while_rounds_are_indexed(database, config, url):
    """The index waits for a transaction that is open, and keeps nobody else waiting."""
    command.upgrade(config, "head")
    engine = create_wallet_engine(url, connections=1)
    ledger = Ledger(engine)
    ledger.apply(OpenWallet("ann", "USD", Decimal(100)))

    def bet(number):
        call = Bet("ann", "USD", f"r{number}", "g", f"b{number}", Decimal(1), None, "{}")
        return ledger.apply(call).outcome

    assert bet(0) is Outcome.APPLIED
    command.downgrade(config, "0003_record_cancellations")
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%%' AND wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    with ThreadPoolExecutor(1) as pool, database.connect() as writer, database.connect() as observer:
        writer.execute(text("UPDATE rounds SET opened_at = opened_at"))
        migration = pool.submit(command.upgrade, config, "head")
        while not observer.scalar(waits):
            observer.rollback()
            assert not migration.done()
        assert bet(1) is Outcome.APPLIED
        writer.rollback()
        observer.rollback()
        migration.result(30)
    engine.dispose()
    assert schema.schema_problem(database) is None


def test_names_of_failed_logins_become_hashes_and_tokens_of_one_name_are_told_apart(database, config):
    command.upgrade(config, "0007_index_searches")
    with database.begin() as connection:
        connection.execute(text("INSERT INTO failed_logins VALUES (gen_random_uuid(), 'a password', '::1', now())"))
        connection.execute(
            text(
                "INSERT INTO api_tokens (id, name, token_hash, role, created_by, created_at, revoked_at)"
                " SELECT gen_random_uuid(), repeat('n', 64), n, 'viewer', 'test', now() - n * interval '1 day',"
                " CASE WHEN n = 3 THEN now() END FROM generate_series(1, 4) n"
            )
        )
    command.upgrade(config, "head")
    with database.connect() as connection:
        hashed = connection.scalar(text("SELECT name_hash FROM failed_logins"))
        names = connection.execute(text("SELECT name FROM api_tokens ORDER BY created_at DESC")).scalars().all()
    assert hashed == sha256(b"a password").hexdigest()
    assert names[0] == names[2] == "n" * 64, "the newest, and the revoked one"
    assert len({names[0], names[1], names[3]}) == 3
    assert max(len(name) for name in names) <= 64


@pytest.mark.parametrize("kind", ["account", "credit", "open"])
def test_the_desk_is_taken_back_and_what_it_entered_stays(database, config, kind):
    command.upgrade(config, "head")
    with database.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO actions (user_id, id, kind, by_whom, why, at)"
                " VALUES ('', gen_random_uuid(), :kind, 'test', 'to test', now())"
            ),
            {"kind": kind},
        )
    command.downgrade(config, "0004_index_rounds")
    with database.connect() as connection:
        assert connection.scalar(text("SELECT kind FROM decisions")) == kind
    command.upgrade(config, "head")
    with database.connect() as connection:
        assert connection.scalar(text("SELECT kind FROM actions")) == kind, "and the later release comes back to it"


def test_schema_problem_says_what_is_wrong(database, config):
    assert "no wallet schema" in str(schema.schema_problem(database))
    command.upgrade(config, "head")
    assert schema.schema_problem(database) is None
    for change, words in (
        (f"UPDATE ledger_contract SET number = {CONTRACT + 1}", "the ledger functions have contract"),
        ("UPDATE alembic_version SET version_num = '0000_nothing_yet'", "run: wallet-service migrate"),
        ("DELETE FROM alembic_version", "run: wallet-service migrate"),
    ):
        with database.begin() as connection:
            connection.execute(text(change))
        assert words in str(schema.schema_problem(database))


def test_a_newer_schema_with_the_same_contract_is_fine(database, config):
    command.upgrade(config, "head")
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_something_later'"))
    assert schema.schema_problem(database) is None


def test_an_older_release_does_not_take_the_functions_of_a_newer_one_back(database, config, url):
    command.upgrade(config, "head")
    for change in (
        f"UPDATE ledger_contract SET number = {CONTRACT + 1}",
        "UPDATE alembic_version SET version_num = '9999_something_later'",
    ):
        with database.begin() as connection:
            connection.execute(text(change))
        with pytest.raises(schema.NewerSchemaError):
            schema.migrate(url)
    with database.connect() as connection:
        assert connection.scalar(text("SELECT number FROM ledger_contract")) == CONTRACT + 1


def test_looking_installs_nothing(database, config, url):
    command.upgrade(config, "head")
    with database.begin() as connection:
        connection.execute(text("DROP FUNCTION session_expired(text, json)"))
    alembic = Path(WALLET_SERVICE).with_name("alembic")
    root = VERSIONS.parent.parent
    for arguments, installed in ((["current"], 0), (["upgrade", "head"], 1)):
        subprocess.run([alembic, *arguments], cwd=root, env={**ENVIRONMENT, **database_settings(url)}, check=True)
        with database.connect() as connection:
            query = "SELECT count(*) FROM pg_proc WHERE proname = 'session_expired'"
            assert connection.scalar(text(query)) == installed
