"""Dockerfile and docker-compose.yml, as far as they can be checked without a container engine."""

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml

from tests.conftest import ENVIRONMENT, database_settings
from wallet_service.schema import HEAD
from wallet_service.settings import Settings

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]


def test_every_variable_is_a_setting_with_a_good_value():
    for name in ("migrate", "wallet"):
        environment = {
            # A value is what compose puts there once the secrets are set and nothing else is.
            key: re.sub(r"\$\{(\w+):(\?|-)([^}]*)\}", lambda found: "x" if found[2] == "?" else found[3], value)
            for key, value in SERVICES[name]["environment"].items()
        }
        settings = Settings.load(environment)
        urls = (settings.owner_database_url, settings.database_url, settings.reader_database_url)
        if name == "migrate":
            assert urls == ("postgresql://wallet_owner:x@postgres:5432/wallet", "", "")
        else:
            settings.require_secrets()
            service = "postgresql://wallet_service:x@postgres:5432/wallet"
            assert urls == (service, service, "postgresql://wallet_desk:x@postgres:5432/wallet")
            assert "WALLET_OWNER_DATABASE_URL" not in environment, "who serves does not know the owner's password"
    assert re.findall(r"WALLET_\w+", DOCKERFILE) == [], "the image carries no setting"


def test_no_secret_has_a_default():
    text = (ROOT / "docker-compose.yml").read_text()
    passwords = ("POSTGRES_PASSWORD", "WALLET_OWNER_PASSWORD", "WALLET_SERVICE_PASSWORD", "WALLET_DESK_PASSWORD")
    for name in (*passwords, "WALLET_PARTNER_ID", "WALLET_PARTNER_TOKEN", "WALLET_HASH_SECRET"):
        assert set(re.findall(rf"\$\{{{name}(.)(.)", text)) == {(":", "?")}


def test_the_wallet_starts_after_the_migration_after_the_database():
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert SERVICES["migrate"]["command"] == ["migrate"]
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["wallet"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["postgres"]["image"] == "postgres:18"
    roles = "./deploy/roles.sql:/docker-entrypoint-initdb.d/roles.sql:ro"
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql", roles]
    known = set(re.findall(r"^\\getenv \w+ (\w+)$", (ROOT / "deploy" / "roles.sql").read_text(), re.MULTILINE))
    assert known == set(SERVICES["postgres"]["environment"]) - {"POSTGRES_DB", "POSTGRES_PASSWORD"}


def test_ports_agree_and_the_database_has_none():
    assert "EXPOSE 8080" in DOCKERFILE
    assert '"--port", "8080"' in DOCKERFILE
    assert SERVICES["wallet"]["ports"] == ["127.0.0.1:8080:8080"]
    assert "ports" not in SERVICES["postgres"]


def test_the_image_runs_as_nobody_special_and_without_an_embedded_database():
    last_stage = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER wallet$", last_stage, re.MULTILINE)
    assert "pgserver" not in (ROOT / "requirements" / "production.txt").read_text()
    assert "embedded" not in re.sub(r"^#.*$", "", DOCKERFILE, flags=re.MULTILINE)


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


def test_the_wheel_carries_what_it_needs_to_migrate(tmp_path, new_database):
    """The image's steps, in a clean virtual environment: build the wheel, install it alone, migrate with it."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation", "-w", tmp_path, ROOT], check=True
    )
    [wheel] = tmp_path.glob("*.whl")
    venv.create(tmp_path / "wallet", with_pip=False)
    python = tmp_path / "wallet" / "bin" / "python"
    target = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", "--target", target, wheel], check=True)
    # The dependencies are those of this run; the service itself is the wheel's alone.
    (Path(target) / "dependencies.pth").write_text(str(Path(pytest.__file__).parent.parent) + "\n")
    script = "import wallet_service, wallet_service.cli as c; print(wallet_service.__file__); c.main()"
    result = subprocess.run(
        [python, "-c", script, "migrate"],
        env={**ENVIRONMENT, **database_settings(new_database())},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.stdout.startswith(target), result
    assert f"The database is at {HEAD}" in result.stdout, result
