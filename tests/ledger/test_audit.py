"""The audit is clean after real calls, and finds every kind of harm done behind the ledger's back."""

import json
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.conftest import as_owner, as_superuser
from wallet_service.database import create_read_engine, create_wallet_engine
from wallet_service.ledger.audit import CHECKS, audit
from wallet_service.ledger.calls import (
    Bet,
    Cancel,
    DecideReview,
    EndRound,
    OpenWallet,
    Refund,
    RequestCancellation,
    Result,
    Transfer,
    Win,
)
from wallet_service.ledger.ledger import Ledger
from wallet_service.schema import migrate


@pytest.fixture
def harmed(new_database):
    """A database with one player's story, and a way to harm it with every guard switched off."""
    url = new_database()
    migrate(as_owner(url))
    engine = create_wallet_engine(url, connections=1)
    superuser = create_wallet_engine(as_superuser(url), connections=1)
    ledger = Ledger(engine)
    ledger.apply(OpenWallet("p", "USD", Decimal(100)))
    for number in (1, 2, 3, 4, 5):
        ledger.apply(Bet("p", "USD", f"r{number}", "g", f"b{number}", Decimal(10), None, "{}"))
    ledger.apply(Bet("p", "USD", "r5", "g", "b6", Decimal(10), "FREE", "{}"))
    ledger.apply(RequestCancellation("p", "r1", "g", "me", "why", 60))
    ledger.apply(RequestCancellation("p", "r2", "g", "me", "why", 60))
    ledger.apply(Refund("p", "USD", "r1", "g", "f1", None, "{}"))
    ledger.apply(Refund("p", "USD", "r9", "g", "f9", None, "{}"))
    ledger.apply(Refund("p", "USD", None, None, "b9", None, "{}"))
    ledger.apply(Cancel("p", "USD", "r3", "b3", "{}"))
    ledger.apply(Result("p", "USD", "r4", "g", "w4", Decimal(25), None, Decimal(5), "p4", "{}"))
    ledger.apply(Refund("p", "USD", "r4", "g", "f4", None, "{}"))
    ledger.apply(DecideReview("p", "r4", "refund_of_settled_round", "", "refund", "me", "why", "{}"))
    ledger.apply(Result("p", "USD", "r8", "g", "w8", Decimal(7), None, None, None, "{}"))
    ledger.apply(Result("p", "USD", "r5", "g", "w5", Decimal(7), "FREE", None, None, "{}"))
    ledger.apply(EndRound("p", "USD", "r5", "{}"))
    ledger.apply(Win("p", "bonus_win", "USD", None, "w6", Decimal(8), "FREE", "{}"))
    ledger.apply(Transfer("p", "withdrawal", "USD", "t1", Decimal(1), "{}"))

    def run(*statements):
        with superuser.connect() as connection:
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
    superuser.dispose()


def test_clean_after_real_calls(harmed):
    report = harmed()
    assert report.findings == []
    assert report.rows == {
        "players": 1,
        "wallets": 1,
        "rounds": 6,
        "transactions": 17,
        "refusals": 2,
        "reviews": 2,
        "actions": 3,
        "cancellations": 2,
    }


def insert(call, round_id, reference, amount, stated="NULL"):
    columns = "user_id, id, seq, call, currency, round_id, reference, amount, stated, balance, sent, at"
    values = f"'p', '{uuid4()}', 99, '{call}', 'USD', {round_id}, '{reference}', {amount}, {stated}, 1, '{{}}', now()"
    return f"INSERT INTO transactions ({columns}) VALUES ({values})"


def opening(balance):
    changed = json.dumps({"balance": balance, "currency": "USD"})
    values = f"'p', '{uuid4()}', 'open', 'x', 'y', now(), '{changed}'"
    return f"INSERT INTO actions (user_id, id, kind, by_whom, why, at, after) VALUES ({values})"


@pytest.mark.parametrize(
    ("check", "statements"),
    [
        ("balance", ["UPDATE wallets SET balance = balance + 0.000000000000000001"]),
        ("balance", ["DELETE FROM transactions WHERE seq = 8"]),
        ("balance", ["UPDATE wallets SET opening_balance = 99"]),
        ("running balance", ["UPDATE transactions SET balance = balance + 1 WHERE seq = 2"]),
        ("running balance", ["UPDATE transactions SET seq = 99 WHERE seq = 8"]),
        ("whole", ["DELETE FROM players"]),
        ("whole", ["DELETE FROM wallets"]),
        ("whole", ["DELETE FROM rounds WHERE round_id = 'r2'"]),
        ("whole", ["UPDATE transactions SET round_id = NULL WHERE reference = 'b2'"]),
        ("amounts", ["UPDATE transactions SET amount = 50 WHERE call = 'refund' AND round_id IS NULL"]),
        ("amounts", ["UPDATE transactions SET stated = 11 WHERE reference = 'b2'"]),
        ("amounts", ["UPDATE transactions SET bonus_code = 'FREE' WHERE reference = 'b2'"]),
        ("amounts", ["UPDATE transactions SET amount = 9 WHERE call = 'bonus_win'"]),
        ("amounts", ["UPDATE transactions SET amount = 6 WHERE call = 'promo_win'"]),
        ("amounts", ["UPDATE transactions SET amount = 2 WHERE call = 'bonus_win'"]),
        ("amounts", ["UPDATE transactions SET amount = -2 WHERE call = 'withdrawal'"]),
        ("round sums", ["UPDATE rounds SET staked = 11 WHERE round_id = 'r2'"]),
        ("round sums", ["UPDATE rounds SET cancelled = 9 WHERE round_id = 'r3'"]),
        ("round sums", ["UPDATE rounds SET won = 24 WHERE round_id = 'r4'"]),
        ("round sums", ["UPDATE rounds SET reversed = 24 WHERE round_id = 'r4'"]),
        ("round sums", ["UPDATE rounds SET bets = 2 WHERE round_id = 'r2'"]),
        ("round sums", ["UPDATE rounds SET currency = 'EUR' WHERE round_id = 'r2'"]),
        ("round sums", ["UPDATE rounds SET refunded = 1 WHERE round_id = 'r1'"]),
        ("round sums", ["DELETE FROM transactions WHERE round_id = 'r2'"]),
        ("one refund", ["DROP INDEX transactions_refund_round", insert("refund", "'r1'", "f2", 10)]),
        ("one refund", ["UPDATE rounds SET refund_id = NULL WHERE round_id = 'r1'"]),
        ("one refund", ["UPDATE rounds SET state = 'open' WHERE round_id = 'r1'"]),
        ("one refund", ["UPDATE transactions SET amount = 9 WHERE call = 'refund' AND round_id = 'r1'"]),
        ("one refund", ["UPDATE transactions SET amount = 11 WHERE call = 'refund' AND round_id = 'r1'"]),
        ("one refund", ["UPDATE rounds SET reversed = 0 WHERE round_id = 'r4'"]),
        ("nothing after a refund", [insert("bet", "'r1'", "b20", -10, 10)]),
        ("nothing after a refund", [insert("result", "'r1'", "b20", 10, 10)]),
        ("nothing after a refund", [insert("bet", "'r2'", "b9", -10, 10)]),
        ("one reference", ["DROP INDEX transactions_call_reference", insert("bet", "'r2'", "b2", -10, 10)]),
        ("one reference", ["DROP INDEX transactions_refund_reference", insert("refund", "NULL", "b9", 0)]),
        ("cancels", ["UPDATE transactions SET amount = 11 WHERE call = 'cancel'"]),
        ("cancels", ["UPDATE rounds SET bets_cancelled = 0 WHERE round_id = 'r3'"]),
        ("cancels", ["UPDATE transactions SET reference = 'b7' WHERE call = 'cancel'"]),
        ("cancels", ["UPDATE transactions SET seq = 99 WHERE reference = 'b3' AND call = 'bet'"]),
        ("round states", ["UPDATE rounds SET state = 'open' WHERE round_id = 'r5'"]),
        ("round states", ["UPDATE rounds SET state = 'settled' WHERE round_id = 'r2'"]),
        ("round states", ["UPDATE rounds SET ended_at = NULL"]),
        ("round states", ["UPDATE transactions SET seq = 99 WHERE reference = 'b4' AND call = 'bet'"]),
        ("round states", ["UPDATE rounds SET bets_cancelled = 2 WHERE round_id = 'r5'"]),
        ("reviews", [opening("99")]),
        ("reviews", ["UPDATE reviews SET closed_at = now(), resolution = 'paid' WHERE round_id = 'r8'"]),
        ("reviews", ["UPDATE reviews SET closed_at = now(), resolution = 'refunded' WHERE round_id = 'r8'"]),
        ("reviews", ["UPDATE reviews SET closed_at = NULL, resolution = NULL WHERE round_id = 'r4'"]),
        ("reviews", ["UPDATE reviews SET round_id = 'r4', reference = 'w4' WHERE round_id = 'r8'"]),
        ("reviews", [f"UPDATE actions SET transaction_id = '{uuid4()}'"]),
        ("cancellations", ["UPDATE cancellations SET refund_id = NULL, state = 'accepted' WHERE round_id = 'r1'"]),
        ("cancellations", [f"UPDATE cancellations SET refund_id = '{uuid4()}', state = 'refunded'"]),
        ("cancellations", [f"UPDATE cancellations SET round_id = NULL, refund_id = '{uuid4()}'"]),
        ("cancellations", ["UPDATE cancellation_rounds SET refund_id = NULL"]),
        ("cancellations", ["UPDATE cancellations SET state = 'requested' WHERE round_id = 'r1'"]),
        ("cancellations", ["UPDATE cancellation_attempts SET answer = 'refused'"]),
        ("cancellations", ["DELETE FROM cancellation_attempts"]),
        ("cancellations", ["UPDATE cancellations SET state = 'accepted' WHERE round_id = 'r2'"]),
        ("signs", ["UPDATE wallets SET balance = -1"]),
        ("signs", ["UPDATE transactions SET amount = 10 WHERE call = 'bet' AND seq = 1"]),
        ("signs", ["UPDATE transactions SET amount = -1 WHERE call = 'refund' AND round_id = 'r9'"]),
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
