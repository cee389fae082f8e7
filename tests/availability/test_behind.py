"""A standby that is behind has not yet what was done a moment ago: who acts is shown what the primary has."""

import subprocess

import pytest

from tests.admin.conftest import PASSWORD, SECRET_KEY, Visitor
from tests.admin.test_acting import fields
from tests.availability.pair import Pair, open_wallets, until
from tests.conftest import ENVIRONMENT, WALLET_SERVICE, as_reader, database_settings
from tests.stand import OK, PARTNER, SECRET, TOKEN
from wallet_service.admin.accounts import Accounts
from wallet_service.admin.roles import Role
from wallet_service.database import create_desk_engine


@pytest.fixture
def pair(tmp_path):
    """A pair whose standby knows the player and the operator, and follows no longer."""
    pair = Pair(tmp_path)
    open_wallets(pair.url, ["ann"], "100")
    writes = create_desk_engine(pair.url, 1, read_only=False)
    Accounts(writes).create("operator", PASSWORD, Role.OPERATOR, by_whom="test", why="to test")
    writes.dispose()
    written = pair.ask(pair.first, "SELECT pg_current_wal_flush_lsn()::text")
    until(lambda: pair.ask(pair.second, f"SELECT pg_last_wal_replay_lsn() >= '{written}'"))
    pair.part()
    yield pair
    pair.stop()


def settings_of(pair):
    return database_settings(pair.url) | {
        "WALLET_READER_DATABASE_URL": as_reader(pair.url).replace("read-write", "prefer-standby")
    }


def test_who_freezes_a_player_is_told_that_it_is_done(pair, new_service):
    service = new_service(pair.url, **settings_of(pair), WALLET_ADMIN_SECRET_KEY=SECRET_KEY, WALLET_LOG_LEVEL="ERROR")
    with Visitor(service) as operator:
        assert operator.log_in("operator").status_code == 302
        form = fields(operator.get("/freeze?user=ann")) | {"why": "to see"}
        done = operator.post("/freeze?user=ann", data=form)
        assert done.status_code == 303
        assert "to see" in operator.get(done.headers["location"].removeprefix("/admin")).text


def test_who_cancels_a_round_is_told_what_they_answered(pair, stand):
    stand.will(OK)
    done = subprocess.run(
        [WALLET_SERVICE, "cancel-round", "ann", "R1", "--game", "g", "--reason", "stuck", "--no-wait"],
        env={
            **ENVIRONMENT,
            **settings_of(pair),
            "WALLET_LUCKY_MONACO_URL": stand.url,
            "WALLET_PARTNER_ID": PARTNER,
            "WALLET_LUCKY_MONACO_TOKEN": TOKEN,
            "WALLET_LUCKY_MONACO_HASH_SECRET": SECRET,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done
    assert "Lucky Monaco accepted" in done.stdout
