"""Settings: what is accepted, what stops the start with one clear line, and that the README tells them all."""

import subprocess
from dataclasses import fields, replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE
from wallet_service.embedded import connect_embedded
from wallet_service.settings import Settings, SettingsError

ROOT = Path(__file__).parent.parent


def test_defaults_and_lists():
    settings = Settings.load(
        {
            "WALLET_PARTNER_TOKEN": " new , old ,",
            "WALLET_ALLOWED_NETWORKS": "10.0.0.0/8,2001:db8::1",
            "WALLET_V4_CURRENCY": "",
            "WALLET_LOG_LEVEL": "debug",
            "HOME": "/",
        }
    )
    assert settings.partner_token == ("new", "old")
    assert settings.allowed_networks == (ip_network("10.0.0.0/8"), ip_network("2001:db8::1/128"))
    assert (settings.v402_prefix, settings.data_dir, settings.v4_currency) == ("/v4", Path("var"), "")
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WALLET_DATABASE_URL", "mysql://u:pass-word@h/d"),
        ("WALLET_DATABASE_URL", "pass-word"),
        ("WALLET_DATABASE_URL", "postgresql://u:p@s:pass-word@h/d"),
        ("WALLET_OWNER_DATABASE_URL", "mysql://u:pass-word@h/d"),
        ("WALLET_READER_DATABASE_URL", "pass-word"),
        ("WALLET_ALLOWED_NETWORKS", "10.0.0.1/8"),
        ("WALLET_ALLOWED_NETWORKS", "10.0.0.0/8, everywhere"),
        ("WALLET_TRUSTED_PROXIES", "localhost"),
        ("WALLET_V402_PREFIX", "v4"),
        ("WALLET_V402_PREFIX", "/v4/"),
        ("WALLET_V402_PREFIX", "/V4"),
        ("WALLET_V402_PREFIX", "/<x>"),
        ("WALLET_V4_CURRENCY", "usd"),
        ("WALLET_EXTRA_CURRENCIES", "BTC,usdt"),
        ("WALLET_REFUND_SETTLED_ROUND", "maybe"),
        ("WALLET_LUCKY_MONACO_URL", "api.example.com"),
        ("WALLET_LUCKY_MONACO_URL", "ftp://api.example.com"),
        ("WALLET_LUCKY_MONACO_URL", "http://api.example.com"),
        ("WALLET_LUCKY_MONACO_URL", "http://127.0.0.1.example.com"),
        ("WALLET_LUCKY_MONACO_URL", "http://localhost.example.com"),
        ("WALLET_LUCKY_MONACO_URL", "https://user:pass-word@api.example.com"),
        ("WALLET_LUCKY_MONACO_URL", "http://localhost:pass-word@api.example.com"),
        ("WALLET_LUCKY_MONACO_URL", "https://api.example.com?HASH=pass-word"),
        ("WALLET_LUCKY_MONACO_URL", "https://api.example.com#pass-word"),
        ("WALLET_LUCKY_MONACO_URL", "https://api.example.com:65536"),
        ("WALLET_LUCKY_MONACO_URL", "https://api.example.com:0"),
        ("WALLET_LUCKY_MONACO_URL", "https://[::1::]"),
        ("WALLET_LUCKY_MONACO_URL", "https://api..example.com"),
        ("WALLET_LUCKY_MONACO_URL", "https://"),
        ("WALLET_LUCKY_MONACO_VERSION", "V4"),
        ("WALLET_LUCKY_MONACO_VERSION", "v5"),
        ("WALLET_LOG_LEVEL", "LOUD"),
        ("WALLET_TRUSTED_PROXIES", "10.0.0.0/8, 0.0.0.0/0"),
        ("WALLET_TRUSTED_PROXIES", "::/0"),
        ("WALLET_TRUSTED_PROXIES", "::ffff:0.0.0.0/96"),
        ("WALLET_PROVIDER_ID_FILE", "/dev/null"),
        ("WALLET_PARTNER_TOKEN_FILE", "/nowhere/pass-word"),
        ("WALLET_PARTNER_TOKEN_FILE", "/dev/null"),
        ("WALLET_PARTNER_TOKEN_FILE", "/dev/zero"),
        ("WALLET_PARTNER_TOKEN_FILE", "pass\0word"),
        ("WALLET_PARTNER_TOKEN_FILE", "/"),
        ("WALLET_CALLS_TOGETHER", "0"),
        ("WALLET_CONNECTIONS", "257"),
        ("WALLET_HISTORY_CALLS_PER_MINUTE", "0"),
        ("WALLET_HISTORY_CALLS_PER_MINUTE", "100001"),
        ("WALLET_HISTORY_PORTION_MINUTES", "1441"),
        ("WALLET_HISTORY_PORTION_MINUTES", "1.5"),
        ("WALLET_HISTORY_DAYS", "3661"),
        ("WALLET_CALLS_TOGETHER", "many"),
        ("WALLET_ALLOWED_NETWORK", "10.0.0.0/8"),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated_where_it_could_be_a_secret(name, value):
    with pytest.raises(SettingsError) as error:
        Settings.load({name: value})
    assert name in str(error.value)
    assert "\n" not in str(error.value)
    assert "pass-word" not in str(error.value)


def test_every_secret_may_be_in_a_file(tmp_path):
    path = tmp_path / "secret"
    for item in fields(Settings):
        name = f"WALLET_{item.name.upper()}"
        secret = "postgresql://u:p@h/d" if item.name.endswith("database_url") else "s" * 32 + "ü"
        path.write_text(f"{secret}\n")
        if item.metadata.get("secret"):
            settings = Settings.load({f"{name}_FILE": str(path)})
            assert settings == Settings.load({name: secret})
            assert getattr(settings, item.name) in (secret, (secret,))
            with pytest.raises(SettingsError, match=f"{name} and {name}_FILE are both set"):
                Settings.load({f"{name}_FILE": str(path), name: secret})
        else:
            with pytest.raises(SettingsError, match=f"{name}_FILE is not a setting"):
                Settings.load({f"{name}_FILE": str(path)})


@pytest.mark.parametrize(
    "content", [b"", b"\n \n", b"pass-word\nsecond", b"pass-word\xff", b"pass-word\0", b"x" * 65_537]
)
def test_a_secret_s_file_holds_one_line(tmp_path, content):
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="WALLET_HASH_SECRET_FILE must name a file") as error:
        Settings.load({"WALLET_HASH_SECRET_FILE": str(path)})
    assert "pass-word" not in str(error.value)


def test_renewed_settings_have_the_files_secrets_and_all_else_as_it_was(tmp_path):
    path = tmp_path / "token"
    path.write_text("old")
    environment = {**SECRETS, "WALLET_PARTNER_TOKEN_FILE": str(path), "WALLET_LUCKY_MONACO_HASH_SECRET": "own"}
    del environment["WALLET_PARTNER_TOKEN"]
    started = replace(Settings.load(environment), database_url="postgresql://h/embedded", admin_secret_key="k" * 32)
    path.write_text("new,old\n")
    assert started.renewed(environment) == replace(started, partner_token=("new", "old"), lucky_monaco_token="new")
    path.write_text("")
    with pytest.raises(SettingsError, match="WALLET_PARTNER_TOKEN_FILE"):
        started.renewed(environment)
    path.write_text(",")
    with pytest.raises(SettingsError, match="WALLET_PARTNER_TOKEN must be set"):
        started.renewed(environment)


def test_secrets_are_not_shown():
    shown = repr(
        Settings.load(
            {
                **SECRETS,
                "WALLET_DATABASE_URL": "postgresql://u:pass-word@h/d",
                "WALLET_LUCKY_MONACO_TOKEN": "call-token",
                "WALLET_LUCKY_MONACO_HASH_SECRET": "call-secret",
            }
        )
    )
    for secret in ("test-token", "test-secret", "pass-word", "call-token", "call-secret"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com:8443/brand/", "https://api.example.com:8443/brand"),
        ("http://127.0.0.2:9000", "http://127.0.0.2:9000"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_where_lucky_monaco_takes_calls(value, url):
    assert Settings.load({"WALLET_LUCKY_MONACO_URL": value}).lucky_monaco_url == url


def test_a_call_of_ours_carries_the_newest_secret_unless_it_has_its_own():
    both = {"WALLET_PARTNER_TOKEN": "new,old", "WALLET_HASH_SECRET": "newer,older"}
    settings = Settings.load(both)
    assert (settings.lucky_monaco_token, settings.lucky_monaco_hash_secret) == ("new", "newer")
    assert settings.lucky_monaco_version == "v4.02"
    settings = Settings.load({**both, "WALLET_LUCKY_MONACO_TOKEN": "a,b", "WALLET_LUCKY_MONACO_HASH_SECRET": "c"})
    assert (settings.lucky_monaco_token, settings.lucky_monaco_hash_secret) == ("a,b", "c")
    assert Settings.load({"WALLET_PARTNER_TOKEN": ","}).lucky_monaco_token == ""


def test_one_role_has_every_part_unless_others_are_named():
    service, owner, reader = (f"postgresql://{name}@h/d" for name in ("service", "owner", "reader"))
    one = Settings.load({"WALLET_DATABASE_URL": service})
    assert (one.owner_database_url, one.reader_database_url, one.has_roles_apart) == (service, service, False)
    three = {"WALLET_OWNER_DATABASE_URL": owner, "WALLET_READER_DATABASE_URL": reader}
    apart = Settings.load({"WALLET_DATABASE_URL": service, **three})
    assert (apart.database_url, apart.owner_database_url, apart.reader_database_url) == (service, owner, reader)
    assert apart.has_roles_apart
    for name, value in three.items():
        with pytest.raises(SettingsError, match="WALLET_DATABASE_URL must be set too"):
            connect_embedded(Settings.load({name: value}))


@pytest.mark.parametrize("name", SECRETS)
def test_without_a_secret_the_service_does_not_start(name, tmp_path):
    environment = {**ENVIRONMENT, **SECRETS, "WALLET_DATA_DIR": str(tmp_path / "var")}
    del environment[name]
    result = subprocess.run([WALLET_SERVICE, "serve"], env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert name in result.stderr
    assert not (tmp_path / "var").exists(), "it stops before it starts a database"


def test_readme_tells_every_setting():
    readme = (ROOT / "README.md").read_text()
    for item in fields(Settings):
        if not item.metadata:
            continue
        default = {(): "", Path("var"): "./var"}.get(item.default, item.default)
        row = f"| `WALLET_{item.name.upper()}` | {f'`{default}`' if default else ''} | {item.metadata['help']} |"
        assert row in readme, f"the README's table of settings lacks this row:\n{row}"
