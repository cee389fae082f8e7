"""The deployment as its files describe it: what a container is given, and the secrets that are made for it."""

import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
CHOSEN = {"WALLET_PARTNER_ID": "operator", "SITE_HOST": "wallet.example.com"}
"""What the operator sets; everything else has a default."""
VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?:\?[^}]*|-(?P<default>[^}]*))\}")


def make_secrets(folder):
    """Make the secrets' files, as deploy/make-secrets.sh does."""
    subprocess.run([ROOT / "deploy" / "make-secrets.sh", folder], check=True)


def environment_of(service, secrets, **chosen):
    """Return what the service is given, with the secrets' files where they are here."""
    given = {**CHOSEN, **chosen}

    def filled(found):
        name, default = found["name"], found["default"]
        assert default is not None or name in given, f"{name} must be set"
        return given.get(name, default)

    return {
        name: VARIABLE.sub(filled, value).replace("/run/secrets", str(secrets))
        for name, value in SERVICES[service]["environment"].items()
    }
