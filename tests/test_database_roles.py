"""The roles are made, granted to, checked before anything is served, and taken over from a release before them."""

import base64
import hashlib
import hmac
import re
import subprocess

import psycopg
import pytest
from sqlalchemy import make_url, text

from tests.compose import ROOT
from tests.conftest import (
    ENVIRONMENT,
    SECRETS,
    WALLET_SERVICE,
    as_owner,
    as_reader,
    as_superuser,
    database_settings,
    free_port,
)
from wallet_service import schema
from wallet_service.database import create_migration_engine
from wallet_service.database_roles import excess_of
from wallet_service.embedded import EmbeddedPostgres
from wallet_service.embedded_roles import OWNER_LOGIN, READER_LOGIN, SERVICE_LOGIN, make_roles, url_as
from wallet_service.ledger import grants
from wallet_service.ledger.grants import MissingGroupsError, make_groups
from wallet_service.settings import Settings

POWERS = """
SELECT relname, relacl::text[] FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT attrelid::regclass || '.' || attname, attacl::text[] FROM pg_attribute WHERE attacl IS NOT NULL
UNION ALL SELECT oid::regprocedure::text, proacl::text[] || prosecdef::text || proconfig FROM pg_proc
          WHERE pronamespace = 'public'::regnamespace
"""


def powers(engine):
    with engine.connect() as connection:
        return {name: sorted(acl or []) for name, acl in connection.execute(text(POWERS))}


def run(*arguments, **environment):
    return subprocess.run(
        [WALLET_SERVICE, *arguments],
        env={**ENVIRONMENT, **SECRETS, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_each_migration_run_takes_back_what_is_not_granted_any_more(new_database):
    url = as_owner(new_database())
    schema.migrate(url)
    engine = create_migration_engine(url)
    granted = powers(engine)
    with engine.begin() as connection:
        for statement in (
            "GRANT UPDATE ON wallets TO wallet_caller",
            "GRANT SELECT (password_hash) ON accounts TO wallet_reader",
            "GRANT SELECT ON transactions TO PUBLIC",
            "GRANT EXECUTE ON FUNCTION lock_wallet TO PUBLIC",
            "GRANT EXECUTE ON FUNCTION open_review TO wallet_caller",
            "REVOKE SELECT ON rounds FROM wallet_reader",
            "REVOKE EXECUTE ON FUNCTION refund FROM wallet_caller",
            "ALTER FUNCTION bet SECURITY INVOKER RESET search_path",
        ):
            connection.execute(text(statement))
    assert powers(engine) != granted
    schema.migrate(url)
    assert powers(engine) == granted
    engine.dispose()


def test_groups_that_may_not_be_made_are_told_with_what_to_run(new_database, monkeypatch):
    url = new_database()
    monkeypatch.setattr(grants, "CALLER", "wallet_another")
    owner, superuser = (create_migration_engine(one) for one in (as_owner(url), as_superuser(url)))
    with owner.begin() as connection, pytest.raises(MissingGroupsError) as error:
        make_groups(connection)
    assert "administrator of the database run: CREATE ROLE wallet_another NOLOGIN;" in str(error.value)
    with superuser.begin() as connection:
        make_groups(connection)
        make_groups(connection)
        assert connection.scalar(text("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'wallet_another'")) is False
        connection.execute(text("DROP ROLE wallet_another"))
    owner.dispose()
    superuser.dispose()


def test_who_migrates_needs_the_owner_s_url_alone(new_database):
    url = new_database()
    migrated = run("migrate", WALLET_OWNER_DATABASE_URL=as_owner(url))
    assert (migrated.returncode, migrated.stderr) == (0, "")
    served = run("serve", WALLET_OWNER_DATABASE_URL=as_owner(url))
    assert (served.returncode, "WALLET_DATABASE_URL must be set too" in served.stderr) == (2, True)


def test_a_role_that_is_not_of_its_group_is_told_so(new_database):
    url = new_database()
    schema.migrate(as_owner(url))
    superuser = create_migration_engine(as_superuser(url))
    with superuser.begin() as connection:
        connection.execute(text("CREATE ROLE wallet_stranger LOGIN"))
    stranger = url_as("wallet_stranger", url)
    told = run("audit", WALLET_DATABASE_URL=stranger)
    told_of_the_reader = run("serve", WALLET_DATABASE_URL=url, WALLET_READER_DATABASE_URL=stranger)
    with superuser.begin() as connection:
        connection.execute(text("DROP ROLE wallet_stranger"))
    superuser.dispose()
    for result in (told, told_of_the_reader):
        assert result.returncode == 2
        assert "its role may not read the wallet's tables" in result.stderr
        assert "GRANT wallet_caller TO it, or wallet_reader" in result.stderr
        assert result.stderr.count("\n") == 1
    assert "WALLET_READER_DATABASE_URL: " in told_of_the_reader.stderr


def test_one_role_for_everything_is_served_with_a_warning(new_service, database_url):
    one = as_owner(database_url)
    service = new_service(one, WALLET_OWNER_DATABASE_URL="", WALLET_READER_DATABASE_URL="")
    service.stop()
    [line] = [line for line in service.log if "past its functions" in line]
    assert "owns the ledger's tables" in line
    assert '"warning"' in line


def test_roles_apart_are_served_without_a_word(new_service):
    service = new_service()
    service.stop()
    assert not [line for line in service.log if "past its functions" in line]


@pytest.mark.parametrize(
    ("service", "reader", "told"),
    [
        (as_owner, as_reader, "WALLET_DATABASE_URL: it owns the ledger's tables"),
        (
            as_superuser,
            as_reader,
            "WALLET_DATABASE_URL: it owns the ledger's tables, or may become their owner, is a ",
        ),
        (str, as_owner, "WALLET_READER_DATABASE_URL: it owns the ledger's tables"),
        (as_reader, str, "WALLET_READER_DATABASE_URL: it may "),
    ],
)
def test_a_role_that_can_do_too_much_is_not_served(database_url, service, reader, told):
    urls = {"WALLET_DATABASE_URL": service(database_url), "WALLET_READER_DATABASE_URL": reader(database_url)}
    refused = run("serve", "--port", str(free_port()), **urls)
    assert refused.returncode == 2
    assert f"the role can do too much for its part in {told}" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("GRANT UPDATE (balance) ON wallets TO wallet_caller", ["may update wallets"]),
        ("GRANT UPDATE ON accounts TO wallet_caller", ["may update accounts"]),
        ("GRANT TRUNCATE ON rounds TO PUBLIC", ["may truncate rounds"]),
        ("GRANT EXECUTE ON FUNCTION post TO wallet_caller", ["may call post"]),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", ["may make tables in the ledger's schema"]),
        ("GRANT SELECT (token_hash) ON api_tokens TO wallet_reader", ["may select api_tokens"]),
        ("GRANT EXECUTE ON FUNCTION refund TO wallet_reader", ["may call refund"]),
    ],
)
def test_each_power_beyond_a_part_is_named(new_database, statement, told):
    url = new_database()
    schema.migrate(as_owner(url))
    settings = Settings.load(database_settings(url))
    assert excess_of(settings) == {}
    with create_migration_engine(as_owner(url)).begin() as connection:
        connection.execute(text(statement))
    found = excess_of(settings)
    assert found
    assert all(powers == told for powers in found.values())


@pytest.fixture
def server(tmp_path):
    server = EmbeddedPostgres(tmp_path / "data")
    yield server
    server.stop()


def test_a_database_of_a_release_before_is_handed_over(server):
    url = server.start()
    schema.migrate(url)  # as that one did: as the superuser, whose everything is then
    url = server.start()
    service, owner = url_as(SERVICE_LOGIN, url), url_as(OWNER_LOGIN, url)
    with create_migration_engine(owner).connect() as connection:
        query = "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        assert connection.execute(text(query)).scalars().all() == [OWNER_LOGIN]
    schema.migrate(owner)
    assert excess_of(Settings.load(database_settings(service))) == {}


def scram(password, kept):
    """Write the password down as PostgreSQL does, with the salt of what it keeps (RFC 5803)."""
    found = re.fullmatch(r"SCRAM-SHA-256\$(\d+):([^$]+)\$.*", kept)
    assert found
    rounds, salt = found.groups()
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(rounds))
    client, server = (hmac.digest(salted, name, "sha256") for name in (b"Client Key", b"Server Key"))
    stored = base64.b64encode(hashlib.sha256(client).digest()).decode()
    return f"SCRAM-SHA-256${rounds}:{salt}${stored}:{base64.b64encode(server).decode()}"


def made_by(roles_sql, url, server, **environment):
    """Run the documented statements; return how that ended."""
    return subprocess.run(
        [server.server.bin_path / "psql", "--no-psqlrc", "--quiet", "--file", roles_sql, url],
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("by_file", [False, True])
def test_the_documented_statements_make_roles_that_are_enough_and_no_more(server, tmp_path, by_file):
    url = server.start()
    logins = (OWNER_LOGIN, SERVICE_LOGIN, READER_LOGIN)
    with create_migration_engine(url).begin() as connection:
        connection.execute(text(f"REVOKE ALL ON SCHEMA public FROM {OWNER_LOGIN}"))
        for role in (*logins, "wallet_caller", "wallet_reader"):
            connection.execute(text(f"DROP ROLE {role}"))
    passwords = {f"WALLET_{name}_PASSWORD": f"pass'word of {name}" for name in ("OWNER", "SERVICE", "DESK")}
    missing = made_by(ROOT / "deploy" / "roles.sql", url, server, **dict(list(passwords.items())[1:]))
    assert missing.returncode != 0
    assert "a password is missing" in missing.stderr
    if by_file:
        for name, password in passwords.items():
            (tmp_path / name).write_text(f"{password}\n")
        given = {f"{name}_FILE": str(tmp_path / name) for name in passwords}
    else:
        given = passwords
    made = made_by(ROOT / "deploy" / "roles.sql", url, server, **given)
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    with create_migration_engine(url).connect() as connection:
        query = "SELECT count(DISTINCT rolpassword) FROM pg_authid WHERE rolname = ANY (:logins)"
        assert connection.scalar(text(query), {"logins": list(logins)}) == len(logins)
        kept = connection.scalar(text("SELECT rolpassword FROM pg_authid WHERE rolname = 'wallet_service'"))
    assert kept == scram("pass'word of SERVICE", kept), "the password is the one given, without the line's end"
    service = make_url(url).set(username=SERVICE_LOGIN).render_as_string(hide_password=False)
    assert run("migrate", WALLET_OWNER_DATABASE_URL=as_owner(service)).returncode == 0
    settings = database_settings(service)
    assert excess_of(Settings.load(settings)) == {}
    opened = run("wallet", "open", "p", "USD", "--balance", "10", **settings)
    assert opened.returncode == 0, opened
    assert run("audit", **settings).returncode == 0


def test_roles_of_the_embedded_database_that_are_there_are_not_written_again(own_server):
    _, url = own_server
    rows = "SELECT xmin::text FROM pg_namespace UNION ALL SELECT xmin::text FROM pg_db_role_setting"
    with psycopg.connect(as_superuser(url), autocommit=True) as connection:
        before = sorted(connection.execute(rows).fetchall())
        make_roles(as_superuser(url))
        assert sorted(connection.execute(rows).fetchall()) == before
