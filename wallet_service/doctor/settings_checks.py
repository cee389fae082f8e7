"""What the settings say, before anything is asked of anybody, and what the machine must have."""

import tempfile
from collections.abc import Iterator

from wallet_service.doctor.findings import Finding, fault, good, warning
from wallet_service.settings import Settings, SettingsError
from wallet_service.traces import INSTALLED

__all__ = ["check_machine", "check_settings"]

MIN_SECRET = 16
"""Characters of a secret that cannot be guessed, if they are random."""
GUESSABLE = ("partner_token", "hash_secret", "operator_token")


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Look at each setting whose default, or whose value, is not for production."""
    try:
        settings.require_secrets()
    except SettingsError as error:
        yield fault("settings", str(error), "Set them: the service does not start without them.")
    else:
        yield good("settings", "Each is known and can be read, and the secrets are there.")
    short = [name for name in GUESSABLE if any(len(secret) < MIN_SECRET for secret in getattr(settings, name))]
    if short:
        names = ", ".join(f"WALLET_{name.upper()}" for name in short)
        yield warning(
            "secrets", f"Shorter than {MIN_SECRET} characters: {names}.", "Replace them: openssl rand -hex 18"
        )
    if not settings.allowed_networks:
        yield warning(
            "networks",
            "Wallet calls are taken from any address.",
            "Set WALLET_ALLOWED_NETWORKS to Lucky Monaco's, and WALLET_TRUSTED_PROXIES to your proxy's.",
        )
    if settings.traces_url and not INSTALLED:
        yield fault(
            "traces",
            "WALLET_TRACES_URL is set, and the extra is not installed; the service does not start.",
            "Run: pip install 'wallet-service[traces]', or unset it.",
        )
    if settings.admin_port and not settings.admin_secret_key:
        yield fault(
            "desk",
            "WALLET_ADMIN_PORT is set without WALLET_ADMIN_SECRET_KEY; the service does not start.",
            "Set WALLET_ADMIN_SECRET_KEY to 32 random characters or more, or unset the port.",
        )
    elif not settings.admin_secret_key:
        yield warning("desk", "There is no desk.", "Set WALLET_ADMIN_SECRET_KEY to 32 random characters or more.")
    elif not settings.admin_port:
        yield warning(
            "desk",
            "The desk is on the wallet's port, and nobody is told the metrics.",
            "Set WALLET_ADMIN_PORT: both are there then, and a proxy can keep them to your own network.",
        )
    if not settings.lucky_monaco_url:
        yield warning(
            "Lucky Monaco", "No round can be cancelled or compared from here.", "Set WALLET_LUCKY_MONACO_URL."
        )


def check_machine() -> Finding:
    """Look for a folder to count in, which the workers share."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:
        return fault(
            "temporary folder",
            "There is none that can be written; the service does not start.",
            "Mount one at /tmp (docker: --tmpfs /tmp).",
        )
    return good("temporary folder", f"{folder} can be written.")
