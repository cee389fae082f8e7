"""Two books: a wallet's rounds at times of the past, and Lucky Monaco's. Each test has a day of its own."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import text

from tests.conftest import as_owner, as_reader
from tests.reconcile.history_server import HistoryServer
from tests.stand import PARTNER, SECRET, TOKEN
from wallet_service.database import create_migration_engine, create_read_engine
from wallet_service.lucky_monaco import LuckyMonaco
from wallet_service.pace import Pace
from wallet_service.reconcile.history import History
from wallet_service.reconcile.reconciliation import Reconciliation

_days = count(2)
PORTION = timedelta(minutes=10)


@pytest.fixture
def lucky():
    server = HistoryServer()
    yield server
    server.stop()


class Books:
    """Both sides of a day. Times are minutes of it."""

    def __init__(self, database_url, lucky, player):
        self.database_url = database_url
        self.lucky = lucky
        self.player = player
        self.user_id = player.user_id
        now = datetime.now(UTC)
        self.noon = now.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=next(_days))

    def at(self, minute):
        return self.noon + timedelta(minutes=minute)

    def here(self, round_id, minute, *, bet="10", won=None, then=""):
        """Play a round in the wallet; ``then`` it is ended, refunded or cancelled."""
        self.player.bet(bet, round_id=round_id, reference=f"b{round_id}")
        if won is not None:
            self.player.result(won, round_id=round_id, reference=f"w{round_id}")
        if then == "ended":
            self.player.end_round(round_id)
        elif then == "refunded":
            self.player.refund(round_id, reference=f"f{round_id}")
        elif then == "cancelled":
            self.player.cancel(f"b{round_id}", round_id=round_id)
        self.harm("opened_at = :at", round_id, at=self.at(minute))

    def harm(self, change, round_id, **values):
        """Change the wallet's round as nothing in the product does."""
        engine = create_migration_engine(as_owner(self.database_url))
        with engine.begin() as connection:
            connection.execute(
                text(f"UPDATE rounds SET {change} WHERE user_id = :user AND round_id = :round"),
                {"user": self.user_id, "round": round_id, **values},
            )
        engine.dispose()

    def there(self, round_id, minute, state, bet="10.00", won="0.00", currency="USD"):
        self.lucky.has(self.user_id, round_id, self.at(minute), state, bet, won, currency)

    def compare(self, start=0, end=60, *, stuck_after=timedelta(days=3660)):
        """Return what differs, as (kind, round, here, there), and the summary."""
        with LuckyMonaco(self.lucky.url, "v4.02", PARTNER, TOKEN, SECRET) as client:
            reconciliation = Reconciliation(
                History(client, Pace(100_000)),
                create_read_engine(as_reader(self.database_url)),
                self.at(start),
                self.at(end),
                portion=PORTION,
                oldest=self.noon - timedelta(days=1),
                stuck_after=stuck_after,
            )
            portions = []
            found = list(reconciliation.differences(lambda: portions.append(1)))
        assert len(portions) == reconciliation.portions
        assert {item.user_id for item in found} <= {self.user_id}
        return [(str(item.kind), item.round_id, item.here, item.there) for item in found], reconciliation.summary


@pytest.fixture
def books(database_url, lucky, new_player):
    return Books(database_url, lucky, new_player("1000"))
