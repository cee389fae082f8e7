"""The doctor finds what is wrong with a deployment, says what to mend, and changes nothing."""

import gc
import json
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.pool import QueuePool

from tests.admin.conftest import SECRET_KEY
from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE, as_owner, as_superuser, database_settings, free_port
from tests.stand import Handler, Stand
from wallet_service import schema
from wallet_service.app import create_admin, create_app
from wallet_service.database import create_migration_engine
from wallet_service.doctor import settings_checks
from wallet_service.doctor.database_checks import connections_needed
from wallet_service.doctor.examination import examine
from wallet_service.doctor.findings import Grade
from wallet_service.settings import Settings

GOOD, WARNING, FAULT = Grade.GOOD, Grade.WARNING, Grade.FAULT
SOUND = {
    "WALLET_PARTNER_ID": "operator",
    "WALLET_PARTNER_TOKEN": "a-token-that-nobody-guesses",
    "WALLET_HASH_SECRET": "a-secret-that-nobody-guesses",
    "WALLET_ADMIN_SECRET_KEY": SECRET_KEY,
    "WALLET_ADMIN_PORT": "8081",
    "WALLET_ALLOWED_NETWORKS": "192.0.2.0/24",
    "WALLET_OWNER_DATABASE_URL": "",
}


@pytest.fixture
def new_stand():
    stands: list[Stand] = []

    def make(**options):
        stands.append(Stand(tls=True, **options))
        trusted = ssl.create_default_context()
        stands[-1].authority.configure_trust(trusted)
        return stands[-1], trusted

    yield make
    for stand in stands:
        stand.stop()


@pytest.fixture
def examined(monkeypatch):
    """Examine a deployment with these settings; return what was found, by what it is about."""
    for name in ENVIRONMENT.keys() & {"PGSSLMODE", "PGOPTIONS"}:
        monkeypatch.delenv(name)

    def run(workers=1, trusted=None, **settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        found: dict[str, list[tuple[Grade, str]]] = {}
        for finding in examine(workers, trusted):
            assert bool(finding.mend) == (finding.grade is not GOOD), finding
            found.setdefault(finding.about, []).append((finding.grade, f"{finding.found} {finding.mend}"))
        return found

    return run


@pytest.fixture
def database(new_database):
    """A migrated database that may be spoilt, and a way to do so as its administrator."""
    url = new_database()
    schema.migrate(as_owner(url))
    superuser = create_migration_engine(as_superuser(url))

    def spoil(*statements):
        with superuser.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    yield url, spoil
    superuser.dispose()


def of_role(change):
    """Return a statement that gives the service's role another setting in this database."""
    return (
        f"DO $$ BEGIN EXECUTE format('ALTER ROLE wallet_service IN DATABASE %I SET {change}', current_database());"
        " END $$"
    )


def pretending(name, arguments, returns, body):
    """Return statements after which the service's role sees this function instead of PostgreSQL's own."""
    return (
        f"CREATE FUNCTION public.{name}({arguments}) RETURNS {returns} LANGUAGE sql AS $$ {body} $$",
        of_role("search_path = public, pg_catalog"),
    )


def setting_is(name, value):
    """Return statements after which a setting that cannot be changed while the server runs seems to have a value."""
    body = f"SELECT CASE setting WHEN '{name}' THEN '{value}' ELSE pg_catalog.current_setting(setting) END"
    return pretending("current_setting", "setting text", "text", body)


FAR_AWAY = pretending("inet_server_addr", "", "inet", "SELECT '203.0.113.5'::inet")
ENCRYPTED = "CREATE VIEW public.pg_stat_ssl AS SELECT pg_backend_pid() AS pid, true AS ssl"
SEEN = "GRANT SELECT ON public.pg_stat_ssl TO PUBLIC"

UNBOUNDED = "SELECT name, CASE WHEN name ~ '_timeout' THEN '0' ELSE setting END AS setting FROM pg_catalog.pg_settings"
WITHOUT_TIMEOUTS = (
    f"CREATE VIEW public.pg_settings AS {UNBOUNDED}",
    "GRANT SELECT ON public.pg_settings TO PUBLIC",
    of_role("search_path = public, pg_catalog"),
)


def later(seconds):
    return pretending(
        "clock_timestamp", "", "timestamptz", f"SELECT pg_catalog.clock_timestamp() + interval '{seconds} s'"
    )


def test_a_sound_deployment_needs_nothing(examined, database_url, new_stand):
    stand, trusted = new_stand()
    urls = {**database_settings(database_url), **SOUND, "WALLET_LUCKY_MONACO_URL": stand.url}
    found = examined(trusted=trusted, **urls)
    assert {grade for findings in found.values() for grade, _ in findings} == {GOOD}, found
    assert list(found) == [
        "settings",
        "temporary folder",
        "PostgreSQL",
        "durability",
        "database TLS",
        "clock",
        "database connections",
        "schema",
        "timeouts",
        "roles",
        "Lucky Monaco",
        "Lucky Monaco's certificate",
    ]
    assert len(found["clock"]) == 2, "the database's, and Lucky Monaco's"
    assert stand.asked == [], "nothing was asked of them"


@pytest.mark.parametrize(
    ("settings", "about", "grade", "words"),
    [
        ({"WALLET_PARTNER_TOKEN": ""}, "settings", FAULT, "WALLET_PARTNER_TOKEN must be set"),
        ({"WALLET_PARTNER_TOKEM": "x"}, "settings", FAULT, "WALLET_PARTNER_TOKEM is not a setting"),
        ({"WALLET_HASH_SECRET": "long-enough-secret,short"}, "secrets", WARNING, "WALLET_HASH_SECRET"),
        ({"WALLET_ALLOWED_NETWORKS": ""}, "networks", WARNING, "Set WALLET_ALLOWED_NETWORKS"),
        ({"WALLET_ADMIN_SECRET_KEY": "", "WALLET_ADMIN_PORT": ""}, "desk", WARNING, "There is no desk."),
        ({"WALLET_ADMIN_SECRET_KEY": ""}, "desk", FAULT, "the service does not start"),
        ({"WALLET_ADMIN_PORT": ""}, "desk", WARNING, "Set WALLET_ADMIN_PORT"),
        ({"WALLET_LUCKY_MONACO_URL": ""}, "Lucky Monaco", WARNING, "Set WALLET_LUCKY_MONACO_URL"),
        ({"WALLET_DATABASE_URL": "", "WALLET_READER_DATABASE_URL": ""}, "database", WARNING, "embedded"),
        ({"WALLET_DATABASE_URL": ""}, "database", FAULT, "WALLET_DATABASE_URL is not set"),
        (
            {"WALLET_DATABASE_URL": "postgresql://me:hidden-word@127.0.0.1:1/wallet"},
            "database",
            FAULT,
            "Connection refused",
        ),
        ({"WALLET_OWNER_DATABASE_URL": "postgresql://owner@127.0.0.1:1/wallet"}, "roles", WARNING, "The owner's URL"),
    ],
)
def test_settings_are_looked_at(examined, database_url, settings, about, grade, words):
    found = examined(**{**database_settings(database_url), **SOUND, **settings})
    assert any(one is grade and words in said for one, said in found[about]), found
    assert "hidden-word" not in str(found)


def test_traces_whose_libraries_are_not_installed_are_a_fault(examined, monkeypatch):
    monkeypatch.setattr(settings_checks, "INSTALLED", False)
    [(grade, said)] = examined(**SOUND, WALLET_TRACES_URL="http://127.0.0.1:4318/v1/traces")["traces"]
    assert (grade, "wallet-service[traces]" in said) == (FAULT, True)


def test_a_machine_without_a_temporary_folder_is_told(examined, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", lambda: ["/nowhere"])
    [(grade, said)] = examined(**SOUND)["temporary folder"]
    assert (grade, "--tmpfs /tmp" in said) == (FAULT, True)


@pytest.mark.parametrize(
    ("statements", "workers", "query", "about", "grade", "words"),
    [
        (setting_is("server_version_num", "140012"), 1, "", "PostgreSQL", FAULT, "Upgrade it to 15"),
        (pretending("pg_is_in_recovery", "", "bool", "SELECT true"), 1, "", "PostgreSQL", FAULT, "It is a standby"),
        ([of_role("synchronous_commit = off")], 1, "", "durability", FAULT, "synchronous_commit off"),
        (setting_is("fsync", "off"), 1, "", "durability", FAULT, "fsync off"),
        (
            [*setting_is("synchronous_standby_names", "other"), of_role("synchronous_commit = local")],
            *(1, "", "durability", WARNING, "no commit waits for them"),
        ),
        (FAR_AWAY, 1, "", "database TLS", WARNING, "The connection to 203.0.113.5"),
        ([*FAR_AWAY, ENCRYPTED, SEEN], 1, "", "database TLS", WARNING, "is not verified"),
        ([*FAR_AWAY, ENCRYPTED, SEEN], 1, "sslmode=verify-full", "database TLS", GOOD, "certificate verified"),
        (later(10), 1, "", "clock", WARNING, "The database's is 10 s ahead"),
        (later(-100), 1, "", "clock", FAULT, "The database's is 100 s behind"),
        ([], 1000, "", "database connections", FAULT, "Raise max_connections"),
        (["UPDATE alembic_version SET version_num = '0001_x'"], 1, "", "schema", FAULT, "Run: wallet-service migrate"),
        (["UPDATE ledger_contract SET number = 99"], 1, "", "schema", FAULT, "contract 99"),
        (WITHOUT_TIMEOUTS, 1, "", "timeouts", FAULT, "ALTER ROLE wallet_service SET lock_timeout = 1000"),
        (["GRANT UPDATE ON wallets TO wallet_caller"], 1, "", "roles", FAULT, "may update wallets"),
    ],
)
def test_the_database_is_looked_at(examined, database, statements, workers, query, about, grade, words):
    url, spoil = database
    spoil(*statements)
    urls = database_settings(url)
    urls["WALLET_DATABASE_URL"] += f"{'&' if '?' in url else '?'}{query}" if query else ""
    found = examined(workers, **{**urls, **SOUND})
    assert any(one is grade and words in said for one, said in found[about]), found


def test_one_role_for_everything_is_a_warning(examined, database_url):
    found = examined(**{**SOUND, "WALLET_DATABASE_URL": as_owner(database_url)})
    [(grade, said)] = found["roles"]
    assert (grade, "owns the ledger's tables" in said) == (WARNING, True)


def test_a_certificate_that_nobody_trusts_is_a_fault(examined, new_stand):
    stand, _ = new_stand()
    [(grade, said)] = examined(**SOUND, WALLET_LUCKY_MONACO_URL=stand.url)["Lucky Monaco"]
    assert (grade, "CERTIFICATE_VERIFY_FAILED" in said) == (FAULT, True)


@pytest.mark.parametrize(("days", "grade"), [(5, WARNING), (60, GOOD)])
def test_the_days_that_a_certificate_has_left_are_told(examined, new_stand, days, grade):
    stand, trusted = new_stand(valid_until=datetime.now(UTC) + timedelta(days=days, minutes=1))
    found = examined(trusted=trusted, **SOUND, WALLET_LUCKY_MONACO_URL=stand.url)
    [(one, said)] = found["Lucky Monaco's certificate"]
    assert (one, f"valid for {days} more days" in said) == (grade, True)


@pytest.mark.parametrize(("ahead", "grade"), [(30, WARNING), (-3600, FAULT)])
def test_lucky_monaco_s_clock_is_compared(examined, new_stand, monkeypatch, ahead, grade):
    stand, trusted = new_stand()
    there = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    monkeypatch.setattr(Handler, "date_time_string", lambda *_: there)
    found = examined(trusted=trusted, **SOUND, WALLET_LUCKY_MONACO_URL=stand.url)
    [(one, said)] = found["clock"]
    assert (one, "NTP" in said) == (grade, True)


def test_a_lucky_monaco_that_is_away_is_a_fault_and_one_out_of_order_a_warning(examined, new_stand, monkeypatch):
    [(grade, said)] = examined(**SOUND, WALLET_LUCKY_MONACO_URL=f"http://127.0.0.1:{free_port()}")["Lucky Monaco"]
    assert (grade, "cannot be reached" in said) == (FAULT, True)
    stand, trusted = new_stand()
    monkeypatch.setattr(Handler, "do_HEAD", lambda self: self.send_error(503), raising=False)
    [(grade, said)] = examined(trusted=trusted, WALLET_LUCKY_MONACO_URL=stand.url)["Lucky Monaco"]
    assert (grade, "answers 503" in said) == (WARNING, True)


@pytest.mark.parametrize(
    "apart",
    [{}, {"WALLET_ADMIN_PORT": "8081"}, {"WALLET_CALLS_TOGETHER": "1"}, {"WALLET_OPERATOR_TOKEN": "platform-token"}],
)
def test_as_many_connections_are_counted_as_the_service_may_open(database_url, tmp_path, apart):
    settings = Settings.load(
        {**SECRETS, **database_settings(database_url), "WALLET_ADMIN_SECRET_KEY": SECRET_KEY, **apart}
    )
    before = {id(thing) for thing in gc.get_objects() if isinstance(thing, Engine)}
    apps = [create_app(settings), create_app(settings)]
    if settings.admin_port:
        apps.append(create_admin(settings, tmp_path))
    made = [thing for thing in gc.get_objects() if isinstance(thing, Engine) and id(thing) not in before]
    assert sum(engine.pool.size() for engine in made if isinstance(engine.pool, QueuePool)) == connections_needed(
        settings, workers=len(apps[:2])
    )


def run(*arguments, **settings):
    return subprocess.run(
        [WALLET_SERVICE, "doctor", *arguments], env={**ENVIRONMENT, **settings}, capture_output=True, text=True
    )


def test_the_command_ends_with_one_for_a_fault_and_with_zero_for_a_warning(database_url):
    settings = {**database_settings(database_url), **SOUND}
    warned = run(**settings)
    assert warned.returncode == 0, warned
    assert "✓ schema: " in warned.stdout
    assert "! Lucky Monaco: No round can be cancelled or compared from here.\n    Set " in warned.stdout
    failed = run("--json", "--workers", "1000", **settings)
    assert failed.returncode == 1, failed
    faults = [finding for finding in json.loads(failed.stdout) if finding["grade"] == "fault"]
    assert [finding["about"] for finding in faults] == ["database connections"]
    assert {"about", "grade", "found", "mend"} == set(faults[0])


def test_the_doctor_changes_nothing(database):
    url, _ = database
    engine = create_migration_engine(as_superuser(url))
    written = text("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables")
    objects = text("SELECT count(*), sum(xmin::text::bigint) FROM pg_class")
    with engine.connect() as connection:
        before = connection.scalar(written), connection.execute(objects).one()
    assert run(**{**database_settings(url), **SOUND}).returncode == 0
    with engine.connect() as connection:
        assert (connection.scalar(written), connection.execute(objects).one()) == before
    engine.dispose()
