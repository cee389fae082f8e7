"""The statements of docs/scaling.md, carried out: the wallet goes on with a table in partitions."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Player, as_owner
from wallet_service.database import create_migration_engine, create_wallet_engine
from wallet_service.ledger.audit import audit
from wallet_service.ledger.ledger import Ledger
from wallet_service.schema import migrate

PAGE = Path(__file__).parent.parent / "docs" / "scaling.md"
FIGURES = PAGE.with_name("performance.md")


def keys(connection):
    query = "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint"
    query += " WHERE conrelid = 'transactions'::regclass"
    indexes = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'transactions'::regclass"
    return sorted(connection.execute(text(query)).all()), sorted(connection.execute(text(indexes)).scalars())


def test_a_table_in_partitions_by_player_keeps_every_row_key_and_guard(new_database):
    url = new_database()
    migrate(as_owner(url))
    owner, engine = create_migration_engine(as_owner(url)), create_wallet_engine(url, connections=2)
    players = [Player(f"p{number}", Ledger(engine), engine) for number in range(12)]
    for player in players:
        player.open("USD", "10")
        player.bet("4")
    with owner.connect() as connection:
        before = keys(connection)
    [statements] = re.findall(r"```sql\n(BEGIN;.*?)```", PAGE.read_text(), re.DOTALL)
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statements.replace("%", "%%"))
    migrate(as_owner(url))
    with owner.connect() as connection:
        assert keys(connection) == before
        parts = [
            connection.execute(text(f"SELECT count(*) FROM transactions_{part}")).scalar_one() for part in range(4)
        ]
        assert sum(parts) == 12
        assert max(parts) < 12
        with pytest.raises(DBAPIError, match="is refused: it is kept for ever"):
            connection.execute(text("DELETE FROM transactions"))
    for player in players:
        first = player.refund()
        assert first.balance == 10
        assert player.refund(reference="f2").transaction_id == first.transaction_id
        assert [amount for _, amount in player.log()] == [Decimal(-4), Decimal(4)]
    with owner.connect() as connection:
        assert audit(connection).findings == []
    owner.dispose()
    engine.dispose()


def test_the_cores_follow_from_the_page_of_figures():
    row = r"^\| wallet: bet \| .* \| ([\d.]+) \| ([\d.]+) \|$"
    [(service, database)] = re.findall(row, FIGURES.read_text(), re.MULTILINE)
    page = PAGE.read_text()
    assert f"{service} s of CPU of the service and {database} s of the database for 1,000 calls" in page
    sizes = re.findall(r"^\| [^|]+ \| [\d,]+ \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \| [\d.]+ TB \|$", page, re.MULTILINE)
    assert len(sizes) == 4
    for peak, *cores in sizes:
        calls = int(peak.replace(",", ""))
        assert cores == [f"{calls * float(cpu) / 1000:.2f}" for cpu in (service, database)], peak
