"""The audit is clean after real calls, and finds every kind of harm done behind the ledger's back."""

from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import text

from wallet_service.database import create_read_engine, create_wallet_engine
from wallet_service.ledger.audit import CHECKS, audit
from wallet_service.ledger.calls import Bet, OpenWallet, Refund
from wallet_service.ledger.ledger import Ledger
from wallet_service.schema import migrate


@pytest.fixture
def harmed(new_database):
    """A database with one player's story, and a way to harm it with every guard switched off."""
    url = new_database()
    migrate(url)
    engine = create_wallet_engine(url, connections=1)
    ledger = Ledger(engine)
    ledger.apply(OpenWallet("p", "USD", Decimal(100)))
    for number in (1, 2, 3):
        ledger.apply(Bet("p", "USD", f"r{number}", "g", f"b{number}", Decimal(10), None, "{}"))
    ledger.apply(Refund("p", "USD", "r1", "g", "f1", None, "{}"))
    ledger.apply(Refund("p", "USD", "r9", "g", "f9", None, "{}"))
    ledger.apply(Refund("p", "USD", None, None, "b9", None, "{}"))

    def run(*statements):
        with engine.connect() as connection:
            connection.execute(text("SET session_replication_role = replica"))  # no triggers, no foreign keys
            for table, name in connection.execute(
                text("SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'c' AND conrelid > 0")
            ):
                connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
            for statement in statements:
                connection.execute(text(statement))
        reads = create_read_engine(url)
        with reads.connect() as connection:
            return audit(connection)

    yield run
    engine.dispose()


def test_clean_after_real_calls(harmed):
    report = harmed()
    assert report.findings == []
    assert report.rows == {"players": 1, "wallets": 1, "rounds": 4, "transactions": 6, "refusals": 0}


INSERT = (
    "INSERT INTO transactions (user_id, id, seq, call, currency, round_id, reference, amount, balance, sent, at) VALUES"
)


@pytest.mark.parametrize(
    ("check", "statements"),
    [
        ("balance", ["UPDATE wallets SET balance = balance + 0.000000000000000001"]),
        ("balance", ["DELETE FROM transactions WHERE seq = 6"]),
        ("balance", ["UPDATE wallets SET opening_balance = 99"]),
        ("running balance", ["UPDATE transactions SET balance = balance + 1 WHERE seq = 2"]),
        ("running balance", ["UPDATE transactions SET seq = 9 WHERE seq = 6"]),
        ("round sums", ["UPDATE rounds SET staked = 11 WHERE round_id = 'r2'"]),
        ("round sums", ["UPDATE rounds SET currency = 'EUR' WHERE round_id = 'r2'"]),
        ("round sums", ["UPDATE rounds SET refunded = 1 WHERE round_id = 'r1'"]),
        (
            "one refund",
            [
                "DROP INDEX transactions_refund_round",
                f"{INSERT} ('p', '{uuid4()}', 7, 'refund', 'USD', 'r1', 'f2', 10, 90, '{{}}', now())",
            ],
        ),
        ("one refund", ["UPDATE rounds SET refund_id = NULL WHERE round_id = 'r1'"]),
        ("one refund", ["UPDATE rounds SET state = 'open' WHERE round_id = 'r1'"]),
        ("one refund", ["UPDATE transactions SET amount = 11 WHERE call = 'refund' AND round_id = 'r1'"]),
        (
            "one bet",
            [
                "DROP INDEX transactions_call_reference",
                f"{INSERT} ('p', '{uuid4()}', 7, 'bet', 'USD', 'r2', 'b2', -10, 70, '{{}}', now())",
            ],
        ),
        ("one bet", [f"{INSERT} ('p', '{uuid4()}', 7, 'bet', 'USD', 'r2', 'b9', -10, 70, '{{}}', now())"]),
        ("signs", ["UPDATE wallets SET balance = -1"]),
        ("signs", ["UPDATE transactions SET amount = 10 WHERE call = 'bet' AND seq = 1"]),
        ("signs", ["UPDATE transactions SET amount = -1 WHERE call = 'refund' AND seq = 4"]),
        ("signs", ["UPDATE rounds SET won = -1 WHERE round_id = 'r2'"]),
    ],
)
def test_harm_is_found_and_named(harmed, check, statements):
    findings = harmed(*statements).findings
    assert check in {finding.check for finding in findings}
    assert all(finding.user_id == "p" and finding.subject and finding.detail for finding in findings)


def test_every_check_has_been_seen_to_fail():
    [mark] = [mark for mark in test_harm_is_found_and_named.pytestmark if mark.name == "parametrize"]
    assert {check for check, _ in mark.args[1]} == {check.name for check in CHECKS}
