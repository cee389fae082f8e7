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
        "whole",
        "nothing is missing: every row's player, wallet and round are there",
        """
        SELECT user_id, currency, 'a wallet without its player'
        FROM wallets w WHERE NOT EXISTS (SELECT FROM players p WHERE p.user_id = w.user_id)
        UNION ALL
        SELECT user_id, round_id, format('a round in %s without that wallet', currency)
        FROM rounds r
        WHERE NOT EXISTS (SELECT FROM wallets w WHERE w.user_id = r.user_id AND w.currency = r.currency)
        UNION ALL
        SELECT user_id, id::text, format('%s in %s, round %s, without that wallet or round', call, currency, round_id)
        FROM transactions t
        WHERE NOT EXISTS (SELECT FROM wallets w WHERE w.user_id = t.user_id AND w.currency = t.currency)
           OR (round_id IS NOT NULL AND call IN ('bet', 'result', 'refund', 'reversal')
               AND NOT EXISTS (SELECT FROM rounds r WHERE r.user_id = t.user_id AND r.round_id = t.round_id))
           OR (round_id IS NULL AND call IN ('bet', 'result', 'reversal'))
        """,
    ),
    Check(
        "amounts",
        "a transaction moves what its caller stated, and what its kind may move",
        """
        SELECT user_id, id::text, format('%s of %s, stated %s, bonus %s', call, amount, stated, bonus_code)
        FROM transactions
        WHERE amount <> CASE
                WHEN call = 'bet' AND bonus_code IS NOT NULL THEN 0
                WHEN call IN ('bet', 'withdrawal', 'debit') THEN -stated
                WHEN call IN ('result', 'promo_win', 'jackpot_win', 'deposit', 'credit') THEN stated
                ELSE amount END
           OR (call = 'refund' AND round_id IS NULL AND amount <> 0)
        UNION ALL
        SELECT b.user_id, b.id::text, format('bonus win of %s, stated %s, code %s', b.amount, b.stated, b.bonus_code)
        FROM transactions b
        WHERE b.call = 'bonus_win' AND b.amount <> greatest(0, b.stated - (
            SELECT coalesce(sum(t.amount), 0) FROM transactions t
            WHERE t.user_id = b.user_id AND t.currency = b.currency AND t.bonus_code = b.bonus_code AND t.seq < b.seq
              AND (t.call = 'bonus_win' OR (t.call = 'result' AND NOT EXISTS (
                  SELECT FROM transactions f WHERE f.user_id = t.user_id AND f.currency = t.currency
                  AND f.call = 'refund' AND f.round_id = t.round_id AND f.seq < b.seq)))))
        """,
    ),
    Check(
        "round sums",
        "what a round says was staked, cancelled, won, refunded and taken back is what its transactions say",
        """
        SELECT r.user_id, r.round_id, format(
            'in %s (transactions in %s to %s): bets %s of %s, staked %s of %s, cancelled %s of %s, won %s of %s, '
            'refunded %s of %s, reversed %s of %s',
            r.currency, t.lowest, t.highest, r.bets, t.bets, r.staked, t.staked, r.cancelled, t.cancelled,
            r.won, t.won, r.refunded, t.refunded, r.reversed, t.reversed)
        FROM rounds r LEFT JOIN (
            SELECT user_id, round_id, min(currency) FILTER (WHERE call IN ('bet', 'result', 'refund')) AS lowest,
                   max(currency) FILTER (WHERE call IN ('bet', 'result', 'refund')) AS highest,
                   coalesce(-sum(amount) FILTER (WHERE call = 'bet'), 0) AS staked,
                   coalesce(sum(amount) FILTER (WHERE call = 'cancel'), 0) AS cancelled,
                   coalesce(sum(amount) FILTER (WHERE call = 'result'), 0) AS won,
                   coalesce(sum(amount) FILTER (WHERE call = 'refund'), 0) AS refunded,
                   coalesce(-sum(amount) FILTER (WHERE call = 'reversal'), 0) AS reversed,
                   count(*) FILTER (WHERE call = 'bet') AS bets
            FROM transactions WHERE round_id IS NOT NULL GROUP BY user_id, round_id
        ) t USING (user_id, round_id)
        WHERE (r.staked, r.cancelled, r.won, r.refunded, r.reversed, r.bets) IS DISTINCT FROM
              (t.staked, t.cancelled, t.won, t.refunded, t.reversed, t.bets)
           OR t.lowest <> r.currency OR t.highest <> r.currency
        """,
    ),
    Check(
        "one refund",
        "a round is refunded at most once, and then whole: what was not cancelled comes back, what was won is taken",
        """
        SELECT r.user_id, r.round_id, format(
            '%s refunds of %s; staked %s, cancelled %s, won %s, reversed %s; the round is %s by %s',
            coalesce(t.number, 0), coalesce(t.total, 0), r.staked, r.cancelled, r.won, r.reversed, r.state, r.refund_id)
        FROM rounds r LEFT JOIN (
            SELECT user_id, round_id, count(*) AS number, sum(amount) AS total, min(id::text)::uuid AS id
            FROM transactions WHERE call = 'refund' AND round_id IS NOT NULL GROUP BY user_id, round_id
        ) t USING (user_id, round_id)
        WHERE coalesce(t.number, 0) > 1 OR r.refund_id IS DISTINCT FROM t.id
           OR (r.state = 'refunded') <> (t.id IS NOT NULL)
           OR (r.state = 'refunded' AND (t.total, r.reversed) <> (r.staked - r.cancelled, r.won))
           OR (r.state <> 'refunded' AND r.reversed <> 0)
        """,
    ),
    Check(
        "nothing after a refund",
        "no bet is taken and no result paid in a round after its refund, nor on a reference refunded before it came",
        """
        SELECT t.user_id, t.id::text, format('%s of %s in round %s after refund %s',
               t.call, t.amount, t.round_id, f.id)
        FROM transactions t JOIN transactions f ON f.user_id = t.user_id AND f.currency = t.currency
             AND f.call = 'refund' AND f.seq < t.seq
             AND (f.round_id = t.round_id OR (f.round_id IS NULL AND f.reference = t.reference AND t.call = 'bet'))
        WHERE t.call IN ('bet', 'result')
        """,
    ),
    Check(
        "one reference",
        "a reference is used once by each kind of call of a player",
        """
        SELECT user_id, reference, format('%s times by %s', count(*), call)
        FROM transactions WHERE call NOT IN ('refund', 'reversal')
        GROUP BY user_id, reference, call HAVING count(*) > 1
        UNION ALL
        SELECT user_id, reference, format('%s refunds without a round', count(*))
        FROM transactions WHERE call = 'refund' AND round_id IS NULL GROUP BY user_id, reference HAVING count(*) > 1
        """,
    ),
    Check(
        "cancels",
        "a cancel returns its bet's stake or nothing, the round counts it, and no bet is taken after its cancel",
        """
        SELECT c.user_id, c.id::text, format('cancel of %s, bet of %s', c.amount, b.amount)
        FROM transactions c LEFT JOIN transactions b
             ON b.user_id = c.user_id AND b.call = 'bet' AND b.reference = c.reference
        WHERE c.call = 'cancel' AND (c.amount NOT IN (0, coalesce(-b.amount, 0)) OR b.seq > c.seq)
        UNION ALL
        SELECT r.user_id, r.round_id, format('%s bets cancelled of %s', r.bets_cancelled, coalesce(t.number, 0))
        FROM rounds r LEFT JOIN (
            SELECT c.user_id, c.round_id, count(*) AS number
            FROM transactions c JOIN transactions b
                 ON b.user_id = c.user_id AND b.call = 'bet' AND b.reference = c.reference AND b.round_id = c.round_id
            LEFT JOIN transactions f ON f.user_id = c.user_id AND f.call = 'refund' AND f.round_id = c.round_id
            WHERE c.call = 'cancel' AND (f.seq IS NULL OR c.seq < f.seq) GROUP BY c.user_id, c.round_id
        ) t USING (user_id, round_id)
        WHERE r.bets_cancelled <> coalesce(t.number, 0)
        """,
    ),
    Check(
        "round states",
        "an open round has no result, a settled one has, after a bet that it keeps, and an ended one says when",
        """
        SELECT r.user_id, r.round_id, format('%s, %s results, ended %s, %s of %s bets cancelled',
               r.state, coalesce(t.results, 0), r.ended_at, r.bets_cancelled, r.bets)
        FROM rounds r LEFT JOIN (
            SELECT user_id, round_id, count(*) AS results FROM transactions WHERE call = 'result'
            GROUP BY user_id, round_id
        ) t USING (user_id, round_id)
        WHERE (r.state = 'open' AND t.results > 0) OR (r.state = 'settled' AND t.results IS NULL)
           OR (r.state = 'ended' AND r.ended_at IS NULL)
           OR (t.results > 0 AND r.bets > 0 AND r.bets = r.bets_cancelled)
        UNION ALL
        SELECT t.user_id, t.id::text, format('result of %s in round %s before any bet', t.amount, t.round_id)
        FROM transactions t
        WHERE t.call = 'result' AND t.bonus_code IS NULL AND NOT EXISTS (
            SELECT FROM transactions b WHERE b.user_id = t.user_id AND b.currency = t.currency AND b.call = 'bet'
            AND b.round_id = t.round_id AND b.seq < t.seq)
        """,
    ),
    Check(
        "reviews",
        "a review is open until its refund or payment, and closed by it; an action about money names what moved",
        """
        SELECT v.user_id, v.round_id, format('%s is closed as %s, the round is %s', v.reason, v.resolution, r.state)
        FROM reviews v LEFT JOIN rounds r USING (user_id, round_id)
        WHERE (v.resolution = 'refunded' AND r.state IS DISTINCT FROM 'refunded')
           OR (v.resolution IS NULL AND v.reason <> 'reconciliation' AND r.state = 'refunded')
           OR (v.reason = 'result_without_bet' AND (v.resolution IS NOT DISTINCT FROM 'paid') <> EXISTS (
               SELECT FROM transactions t
               WHERE t.user_id = v.user_id AND t.round_id = v.round_id AND t.call = 'result'
                 AND t.reference = v.reference) AND v.resolution IS DISTINCT FROM 'refunded'
               AND v.resolution IS DISTINCT FROM 'left')
        UNION ALL
        SELECT d.user_id, d.id::text, format('%s in round %s names transaction %s', d.kind, d.round_id,
               d.transaction_id)
        FROM actions d LEFT JOIN transactions t ON t.user_id = d.user_id AND t.id = d.transaction_id
        WHERE d.kind IN ('refund', 'credit', 'debit') AND t.call IS DISTINCT FROM d.kind
        UNION ALL
        SELECT d.user_id, d.id::text, format('opened with %s; the wallet with %s', d.after, w.opening_balance)
        FROM actions d LEFT JOIN wallets w ON w.user_id = d.user_id AND w.currency = d.after->>'currency'
        WHERE d.kind = 'open' AND w.opening_balance IS DISTINCT FROM (d.after->>'balance')::numeric
        """,
    ),
    Check(
        "cancellations",
        "a cancellation is closed by its round's refund and by nothing else, and each one was asked for",
        """
        SELECT c.user_id, coalesce(c.round_id, c.game_id), format('%s by refund %s; the round is %s by %s', c.state,
               c.refund_id, r.state, r.refund_id)
        FROM cancellations c LEFT JOIN rounds r USING (user_id, round_id)
        WHERE (c.round_id IS NOT NULL AND c.refund_id IS DISTINCT FROM r.refund_id)
           OR (c.state = 'refunded') <> (c.refund_id IS NOT NULL)
        UNION ALL
        SELECT m.user_id, m.round_id, format('cancellation %s names refund %s, the round %s', m.cancellation_id,
               m.refund_id, r.refund_id)
        FROM cancellation_rounds m LEFT JOIN rounds r USING (user_id, round_id)
        WHERE m.refund_id IS DISTINCT FROM r.refund_id
        UNION ALL
        SELECT c.user_id, c.id::text, format('%s by %s, which refunds none of its rounds', c.state, c.refund_id)
        FROM cancellations c
        WHERE c.refund_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM cancellation_rounds m
            WHERE m.user_id = c.user_id AND m.cancellation_id = c.id AND m.refund_id = c.refund_id)
        UNION ALL
        SELECT c.user_id, c.id::text, format('%s without the attempt of %s', c.state, c.asked_at)
        FROM cancellations c LEFT JOIN cancellation_attempts a
             ON a.user_id = c.user_id AND a.cancellation_id = c.id AND a.asked_at = c.asked_at
        WHERE a.id IS NULL
           OR (c.state <> 'refunded' AND c.state IS DISTINCT FROM coalesce(a.answer, 'requested'))
        """,
    ),
    Check(
        "signs",
        "nothing is negative that may not be: balances, stakes, refunds; no bet gives money and no win takes it",
        """
        SELECT user_id, currency, format('wallet balance %s, opening %s', balance, opening_balance)
        FROM wallets WHERE balance < 0 OR opening_balance < 0
        UNION ALL
        SELECT user_id, id::text, format('%s of %s, balance after %s', call, amount, balance)
        FROM transactions
        WHERE balance < 0 OR (call IN ('bet', 'withdrawal', 'debit', 'reversal') AND amount > 0)
           OR (call NOT IN ('bet', 'withdrawal', 'debit', 'reversal') AND amount < 0)
        UNION ALL
        SELECT user_id, round_id, format('staked %s, cancelled %s, won %s, refunded %s, reversed %s',
               staked, cancelled, won, refunded, reversed)
        FROM rounds WHERE staked < 0 OR cancelled < 0 OR won < 0 OR refunded < 0 OR reversed < 0
        """,
    ),
)

TABLES = ("players", "wallets", "rounds", "transactions", "refusals", "reviews", "actions", "cancellations")


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
