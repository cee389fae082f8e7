"""Whether the bounds on a call's waiting are in force, looked at before anything is served.

They are asked for when a connection is made. A pooler shares its own connections, and drops what it is asked for.
"""

from sqlalchemy import text

from wallet_service.database import LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS, create_wallet_engine
from wallet_service.settings import Settings, SettingsError

__all__ = ["check_timeouts"]

BOUNDS = {"lock_timeout": LOCK_TIMEOUT_MS, "statement_timeout": STATEMENT_TIMEOUT_MS}
IN_FORCE = text("SELECT name, CAST(setting AS integer) FROM pg_settings WHERE name = ANY (:names)")


def check_timeouts(settings: Settings) -> None:
    """Refuse a database that lets calls of the service's role wait for longer than anybody waits for an answer.

    Raises:
        SettingsError: says how to mend it.

    """
    engine = create_wallet_engine(settings.database_url, connections=1)
    with engine.connect() as connection:
        role = connection.scalar(text("SELECT session_user"))
        in_force: dict[str, int] = dict(connection.execute(IN_FORCE, {"names": list(BOUNDS)}).all())
    engine.dispose()
    missing = [f"{name} = {most}" for name, most in BOUNDS.items() if not 0 < in_force[name] <= most]
    if missing:
        raise SettingsError(
            "WALLET_DATABASE_URL: a pooler keeps the service from setting its timeouts. Let an administrator run: "
            + "; ".join(f"ALTER ROLE {role} SET {setting}" for setting in missing)
            + ", and the pooler make its connections anew"
        )
