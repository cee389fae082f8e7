"""The proof, from the data alone, that the ledger's promises hold (rule 16)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

__all__ = ["CHECKS", "Check", "Finding", "Report", "audit"]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise. ``sql`` returns a row (user_id, subject, detail) for each place where it is broken."""

    name: str
    promise: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a promise is broken."""

    check: str
    user_id: str
    subject: str
    detail: str


@dataclass(slots=True)
class Report:
    """What an audit saw: how many rows it checked of each table, and every broken promise."""

    rows: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


CHECKS = (
    Check(
        "balance",
        "every balance is the opening balance plus the wallet's transactions, and the wallet has counted them all",
        """
        SELECT w.user_id, w.currency, format('balance %s, opening %s plus transactions %s; counted %s of %s',
               w.balance, w.opening_balance, coalesce(t.total, 0), w.seq, coalesce(t.number, 0))
        FROM wallets w LEFT JOIN (
            SELECT user_id, currency, sum(amount) AS total, count(*) AS number, max(seq) AS last
            FROM transactions GROUP BY user_id, currency
        ) t USING (user_id, currency)
        WHERE w.balance <> w.opening_balance + coalesce(t.total, 0)
           OR w.seq <> coalesce(t.number, 0) OR w.seq <> coalesce(t.last, 0)
        """,
    ),
    Check(
        "running balance",
        "the balance after each transaction is the balance before it plus its amount, without a gap in the count",
        """
        SELECT user_id, id::text, format('%s %s seq %s: %s plus %s is not %s',
               currency, call, seq, before, amount, balance)
        FROM (
            SELECT t.*, coalesce(lag(t.balance) OVER earlier, w.opening_balance) AS before,
                   coalesce(lag(t.seq) OVER earlier, 0) AS seq_before
            FROM transactions t JOIN wallets w USING (user_id, currency)
            WINDOW earlier AS (PARTITION BY t.user_id, t.currency ORDER BY t.seq)
        ) t
        WHERE balance <> before + amount OR seq <> seq_before + 1
        """,
    ),
    Check(
        "round sums",
        "what a round says was staked and refunded is what its transactions say, in the round's currency",
        """
        SELECT r.user_id, r.round_id, format('staked %s, bets %s; refunded %s, refunds %s',
               r.staked, coalesce(t.bets, 0), r.refunded, coalesce(t.refunds, 0))
        FROM rounds r LEFT JOIN (
            SELECT user_id, round_id, -sum(amount) FILTER (WHERE call = 'bet') AS bets,
                   sum(amount) FILTER (WHERE call = 'refund') AS refunds,
                   min(currency) AS lowest, max(currency) AS highest
            FROM transactions WHERE round_id IS NOT NULL GROUP BY user_id, round_id
        ) t USING (user_id, round_id)
        WHERE r.staked <> coalesce(t.bets, 0) OR r.refunded <> coalesce(t.refunds, 0)
           OR t.lowest <> r.currency OR t.highest <> r.currency
        """,
    ),
    Check(
        "one refund",
        "a round is refunded at most once, the round names that refund, and no refund is beyond the round's bets",
        """
        SELECT r.user_id, r.round_id, format('%s refunds of %s, bets %s; the round is %s by %s',
               coalesce(t.number, 0), coalesce(t.total, 0), r.staked, r.state, r.refund_id)
        FROM rounds r LEFT JOIN (
            SELECT user_id, round_id, count(*) AS number, sum(amount) AS total, min(id::text)::uuid AS id
            FROM transactions WHERE call = 'refund' AND round_id IS NOT NULL GROUP BY user_id, round_id
        ) t USING (user_id, round_id)
        WHERE coalesce(t.number, 0) > 1 OR r.refund_id IS DISTINCT FROM t.id
           OR (r.state = 'refunded') <> (t.id IS NOT NULL)
           OR coalesce(t.total, 0) > r.staked - r.cancelled
        """,
    ),
    Check(
        "one bet",
        "a bet's reference is used once, and nothing was staked on a reference that was refunded before it came",
        """
        SELECT user_id, reference, format('%s bets, %s refunds without a round', bets, refunds)
        FROM (
            SELECT user_id, reference, count(*) FILTER (WHERE call = 'bet') AS bets,
                   count(*) FILTER (WHERE call = 'refund' AND round_id IS NULL) AS refunds
            FROM transactions GROUP BY user_id, reference
        ) t
        WHERE bets > 1 OR refunds > 1 OR (bets > 0 AND refunds > 0)
        """,
    ),
    Check(
        "signs",
        "nothing is negative that may not be: balances, stakes, refunds; and no bet gives money",
        """
        SELECT user_id, currency, format('wallet balance %s, opening %s', balance, opening_balance)
        FROM wallets WHERE balance < 0 OR opening_balance < 0
        UNION ALL
        SELECT user_id, id::text, format('%s of %s, balance after %s', call, amount, balance)
        FROM transactions
        WHERE balance < 0 OR (call = 'bet' AND amount > 0) OR (call = 'refund' AND amount < 0)
        UNION ALL
        SELECT user_id, round_id, format('staked %s, cancelled %s, won %s, refunded %s',
               staked, cancelled, won, refunded)
        FROM rounds WHERE staked < 0 OR cancelled < 0 OR won < 0 OR refunded < 0
        """,
    ),
)

TABLES = ("players", "wallets", "rounds", "transactions", "refusals")


def audit(connection: Connection) -> Report:
    """Check every promise on the connection's snapshot of the data."""
    report = Report()
    for table in TABLES:
        report.rows[table] = connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608 - our own names
    report.findings.extend(_findings(connection))
    return report


def _findings(connection: Connection) -> Iterator[Finding]:
    for check in CHECKS:
        for user_id, subject, detail in connection.exec_driver_sql(check.sql.replace("%", "%%")):
            yield Finding(check.name, user_id, subject, detail)
