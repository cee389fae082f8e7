"""Dockerfile and docker-compose.yml, as far as they can be checked without a container engine."""

import json
import os
import re
import stat
import subprocess
import sys
from dataclasses import fields
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from tests.commands import subcommand
from tests.compose import COMPOSE, DOCKERFILE, ROOT, SERVICES, environment_of, make_secrets
from wallet_service.cli.main import cli
from wallet_service.serving import DRAIN_SECONDS
from wallet_service.settings import Settings

IMAGE = DOCKERFILE.rpartition("\nFROM ")[2]
THEIRS = ROOT / "deploy" / "compose.lucky-monaco.yml"
OURS = ("migrate", "wallet", "sandbox")
SECRET = re.compile("PASSWORD|TOKEN|SECRET|KEY|DATABASE_URL")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployment") / "secrets"
    make_secrets(folder)
    return folder


@pytest.mark.parametrize("path", [ROOT / "docker-compose.yml", THEIRS], ids=lambda path: path.name)
def test_the_compose_file_is_one(path):
    program = Path(sys.executable).with_name("check-jsonschema")
    check = [str(program), "--builtin-schema", "vendor.compose-spec", str(path)]
    result = subprocess.run(check, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_every_variable_is_a_setting_with_a_good_value(secrets):
    urls = {}
    for name in OURS:
        settings = Settings.load(environment_of(name, secrets))
        urls[name] = (settings.owner_database_url, settings.database_url, settings.reader_database_url)
        if name != "migrate":
            settings.require_secrets()
    password = {role: (secrets / f"{role}_password").read_text().strip() for role in ("owner", "service", "desk")}
    url = "postgresql://wallet_{0}:{1}@postgres:5432/wallet"
    assert urls["migrate"] == (url.format("owner", password["owner"]), "", "")
    service = url.format("service", password["service"])
    assert urls["wallet"] == (service, service, url.format("desk", password["desk"]))
    assert urls["sandbox"] == ("", "", ""), "Lucky Monaco has no way to the database"
    assert re.findall(r"WALLET_\w+", DOCKERFILE) == [], "the image carries no setting"


def test_what_the_operator_chooses_reaches_the_wallet():
    """A file .env beside the compose file is read for what the compose file names, and for nothing else."""
    not_chosen = {"data_dir", "admin_port", "trusted_proxies", "prepared_statements"}
    chosen = {item.name for item in fields(Settings) if not item.metadata["secret"]} - not_chosen
    given = SERVICES["wallet"]["environment"]
    for name in (f"WALLET_{setting.upper()}" for setting in chosen):
        assert given.get(name, "").startswith(f"${{{name}:"), name


def test_what_lucky_monaco_gave_for_calls_to_them_has_files_of_its_own(secrets, tmp_path):
    """In a second compose file: engines refuse to start a container whose secret has no file."""
    added = yaml.safe_load(THEIRS.read_text())
    assert added["secrets"] == {
        name: {"file": f"./secrets/{name}"} for name in ("lucky_monaco_token", "lucky_monaco_hash_secret")
    }
    for name in added["secrets"]:
        (tmp_path / name).write_text(f"their-{name}\n")
    assert set(added["services"]) == {"wallet", "sandbox"}
    for name, service in added["services"].items():
        assert service["secrets"] == list(added["secrets"])
        theirs = {key: path.replace("/run/secrets", str(tmp_path)) for key, path in service["environment"].items()}
        settings = Settings.load({**environment_of(name, secrets), **theirs})
        assert settings.lucky_monaco_token == "their-lucky_monaco_token"
        assert settings.lucky_monaco_hash_secret == "their-lucky_monaco_hash_secret"
        assert settings.partner_token == ((secrets / "partner_token").read_text().strip(),)


def test_the_sandbox_knows_what_the_wallet_asks_of_each_call():
    shared = {"WALLET_PARTNER_ID", "WALLET_PROVIDER_ID", "WALLET_V402_PREFIX"}
    of_wallet, of_sandbox = (SERVICES[name]["environment"] for name in ("wallet", "sandbox"))
    assert {name: of_sandbox.get(name) for name in shared} == {name: of_wallet[name] for name in shared}


def test_the_sandbox_is_where_the_wallet_may_speak_plain_http(secrets):
    sandbox = SERVICES["sandbox"]
    assert sandbox["network_mode"] == "service:wallet"
    port = sandbox["command"][sandbox["command"].index("--port") + 1]
    url = f"http://127.0.0.1:{port}"
    text = (ROOT / "docker-compose.yml").read_text()
    assert f"WALLET_LUCKY_MONACO_URL={url} " in text
    settings = Settings.load(environment_of("wallet", secrets, WALLET_LUCKY_MONACO_URL=url))
    assert settings.lucky_monaco_url == url


def test_commands_are_ones(secrets):
    [command] = re.findall(r"^CMD (.*)$", IMAGE, re.MULTILINE)
    for arguments in (json.loads(command), *(SERVICES[name]["command"] for name in ("migrate", "sandbox"))):
        subcommand(cli, arguments[0]).make_context(arguments[0], arguments[1:])


def test_secrets_come_by_file_and_each_container_has_its_own(secrets):
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                assert variable.endswith("_FILE"), (name, variable)
                secret = value.removeprefix("/run/secrets/")
                assert secret in service["secrets"], (name, variable)
        for secret in service.get("secrets", []):
            assert f"/run/secrets/{secret}" in service["environment"].values(), (name, secret, "is not used")
    for name, source in COMPOSE["secrets"].items():
        assert source == {"file": f"./secrets/{name}"}
    assert {path.name for path in secrets.iterdir()} == set(COMPOSE["secrets"])
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    owners = [name for name, service in SERVICES.items() if "owner_database_url" in service.get("secrets", [])]
    assert owners == ["migrate"], "who serves does not know the owner's password"


def test_secrets_are_made_once_and_are_their_owner_s(secrets):
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    assert len(set(before.values())) == len(before)
    for name, text in before.items():
        assert len(text.strip()) >= 36, name
    make_secrets(secrets)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    for path in secrets.iterdir():  # each container reads them as a user of its own
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_without_openssl_no_secret_is_made(tmp_path):
    (tmp_path / "openssl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "openssl").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    made = subprocess.run([ROOT / "deploy" / "make-secrets.sh", tmp_path / "secrets"], env={"PATH": path})
    assert made.returncode != 0
    assert list((tmp_path / "secrets").iterdir()) == [], "an empty one would stay for ever"


def test_the_wallet_starts_after_the_migration_after_the_database():
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert SERVICES["migrate"]["command"] == ["migrate"]
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["wallet"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["wallet"]["restart"] == "unless-stopped", "its server ends when a worker dies soon after its start"
    for name in ("caddy", "sandbox"):
        assert SERVICES[name]["depends_on"]["wallet"]["condition"] == "service_healthy"
    assert SERVICES["postgres"]["image"] == "postgres:18"
    roles = "./deploy/roles.sql:/docker-entrypoint-initdb.d/roles.sql:ro"
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql", roles]
    known = set(re.findall(r"WALLET_\w+_PASSWORD_FILE", (ROOT / "deploy" / "roles.sql").read_text()))
    assert known == set(SERVICES["postgres"]["environment"]) - {"POSTGRES_DB", "POSTGRES_PASSWORD_FILE"}


def test_only_caddy_can_be_called_from_elsewhere():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.pop("caddy") == ["443:443", "${DESK_ADDRESS:-127.0.0.1}:8443:8443"]
    assert set(published) == {"prometheus", "grafana"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert COMPOSE["networks"]["database"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if "database" in service.get("networks", [])} == {
        *("postgres", "migrate", "wallet")
    }


def test_the_wallet_believes_caddy_and_nobody_else(secrets):
    [proxy] = Settings.load(environment_of("wallet", secrets)).trusted_proxies
    address = SERVICES["caddy"]["networks"]["front"]["ipv4_address"]
    assert proxy == ip_network(address)
    [config] = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert ip_address(address) in ip_network(config["subnet"])
    assert ip_address(address) not in ip_network(config["ip_range"]), "nobody who starts earlier is given it"
    assert {name for name, service in SERVICES.items() if "front" in service.get("networks", [])} == {"wallet", "caddy"}


def test_ports_agree():
    assert "EXPOSE 8080" in IMAGE
    assert '"--port", "8080"' in IMAGE
    desk = SERVICES["wallet"]["environment"]["WALLET_ADMIN_PORT"]
    assert SERVICES["wallet"]["expose"] == ["8080", desk]
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text()
    assert re.findall(r"dynamic a wallet (\d+)", caddyfile) == ["8080", "8080", desk]
    prometheus = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    assert prometheus["scrape_configs"][0]["dns_sd_configs"][0]["port"] == int(desk)


def test_containers_can_do_no_more_than_they_must():
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["tmpfs"] == ["/tmp:size=64m"], "the metrics are counted in files there"
    for name, service in SERVICES.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, "no log fills the disk"
    assert SERVICES["caddy"]["cap_add"] == ["NET_BIND_SERVICE"]
    assert float(SERVICES["wallet"]["stop_grace_period"].removesuffix("s")) > 2 * DRAIN_SECONDS


def test_every_image_has_a_tag_and_every_mounted_file_is_here():
    for name, service in SERVICES.items():
        assert re.search(r":[^/]+$", service["image"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume
            assert not source.startswith(".") or volume.endswith(":ro"), volume


def test_the_image_runs_as_nobody_special_and_without_an_embedded_database():
    assert re.search(r"^RUN useradd --system --uid 10001 wallet$", IMAGE, re.MULTILINE)
    assert re.search(r"^USER 10001$", IMAGE, re.MULTILINE)
    assert "pgserver" not in (ROOT / "requirements" / "production.txt").read_text()
    assert "embedded" not in re.sub(r"^#.*$", "", DOCKERFILE, flags=re.MULTILINE)
    assert not re.search(r"apt|gcc|build-essential", IMAGE), "nothing is installed but what the first stage made"


def test_every_copied_path_exists_and_is_let_through():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE):
        for path in line.split():
            assert (ROOT / path).exists(), path
            assert Path(path).parts[0] in allowed, path


@pytest.mark.parametrize("name", ["production", "development", "build"])
def test_the_lock_pins_hashes_and_names_no_registry(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text
    assert "--index-url" not in text
    for requirement in re.findall(r"^[a-z].*(?:\n    .*)*", text, re.MULTILINE):
        assert re.match(r"[a-z0-9._-]+(\[\w+\])?==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement
