"""The client of Lucky Monaco's API as a command uses it: made from the settings."""

from wallet_service.lucky_monaco import LuckyMonaco
from wallet_service.settings import Settings, SettingsError

__all__ = ["connect_lucky_monaco"]


def connect_lucky_monaco(settings: Settings) -> LuckyMonaco:
    """Return a client for the settings' Lucky Monaco. It connects with its first call; the caller closes it.

    Raises:
        SettingsError: names every setting that is missing. The secret behind the hash is one of V4's only.

    """
    needed = {
        "WALLET_LUCKY_MONACO_URL": settings.lucky_monaco_url,
        "WALLET_PARTNER_ID": settings.partner_id,
        "WALLET_LUCKY_MONACO_TOKEN or WALLET_PARTNER_TOKEN": settings.lucky_monaco_token,
    }
    if settings.lucky_monaco_version == "v4":
        needed["WALLET_LUCKY_MONACO_HASH_SECRET or WALLET_HASH_SECRET"] = settings.lucky_monaco_hash_secret
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise SettingsError(f"{', '.join(missing)} must be set to call Lucky Monaco")
    return LuckyMonaco(
        settings.lucky_monaco_url,
        settings.lucky_monaco_version,
        settings.partner_id,
        settings.lucky_monaco_token,
        settings.lucky_monaco_hash_secret,
        v402_prefix=settings.v402_prefix,
    )
