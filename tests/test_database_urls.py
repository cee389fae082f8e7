"""A database's URL is libpq's: several hosts, and whatever parameters it knows."""

import pytest
from sqlalchemy import text

from wallet_service.database import LOCK_TIMEOUT_MS, create_desk_engine, create_wallet_engine
from wallet_service.database_urls import connection_parameters
from wallet_service.embedded_roles import url_as


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("postgresql://u:p@h:5432/d", {"user": "u", "password": "p", "host": "h", "port": "5432", "dbname": "d"}),
        ("postgres://u@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        ("postgresql+psycopg://u@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        ("postgresql://u:p%40ss%2F@h/d", {"user": "u", "password": "p@ss/", "host": "h", "dbname": "d"}),
        ("postgresql://u@/d?host=/run/a@b", {"user": "u", "host": "/run/a@b", "dbname": "d"}),
        ("postgresql://u@[::1]:5432/d", {"user": "u", "host": "::1", "port": "5432", "dbname": "d"}),
        (
            "postgresql://u@h1:5432,h2:6432/d?target_session_attrs=read-write&sslmode=verify-full",
            {
                "user": "u",
                "host": "h1,h2",
                "port": "5432,6432",
                "dbname": "d",
                "target_session_attrs": "read-write",
                "sslmode": "verify-full",
            },
        ),
        ("postgresql://u@h1,h2/d?port=6432", {"user": "u", "host": "h1,h2", "port": "6432", "dbname": "d"}),
    ],
)
def test_what_a_url_says(url, parameters):
    assert connection_parameters(url) == parameters


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://u:pass-word@h/d",
        "host=h password=pass-word",
        "postgresql://u:x@pass-word@h/d",
        "postgresql://u:p:pass-word@h:port/d",
        "postgresql://u:p@h1:5432,pass-word:x/d",
        "postgresql://u:pass-word%zz@h/d",
        "postgresql://u:pass-word@h/d?no_such_parameter=1",
        "postgresql://u:pass-word@h1:123456/d",
        "postgresql://u:p@pass-word/b@h/d",
        "postgresql://u:1/pass-word@h/d",
    ],
)
def test_what_is_no_url_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError, match=r"URL|%40") as error:
        connection_parameters(url)
    assert "pass-word" not in str(error.value)
    assert error.value.__cause__ is None


def test_what_the_service_asks_for_comes_before_what_its_url_says(database_url):
    url = f"{database_url}&connect_timeout=9&application_name=other&options=-cwork_mem%3D77kB%20-clock_timeout%3D9"
    query = text("SELECT name, setting FROM pg_settings WHERE name IN ('application_name', 'lock_timeout', 'work_mem')")
    for engine in (create_wallet_engine(url, 1), create_desk_engine(url, 1, read_only=True)):
        with engine.connect() as connection:
            settings: dict[str, str] = dict(connection.execute(query).all())
        engine.dispose()
        assert settings["application_name"].startswith("wallet_service")
        assert (settings["lock_timeout"], settings["work_mem"]) == (str(LOCK_TIMEOUT_MS), "77")


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("postgresql://a:p@h/d", "postgresql://b@h/d"),
        ("postgresql://h1:1,h2:2/d?target_session_attrs=any", "postgresql://b@h1:1,h2:2/d?target_session_attrs=any"),
        ("postgresql://a:@/d?host=/run/x@y", "postgresql://b@/d?host=/run/x@y"),
    ],
)
def test_the_same_database_for_another_role(url, other):
    assert url_as("b", url) == other
