-- A wallet's data as the last 30 days would have left it, for measuring: consistent, so that an audit is clean.
--
-- Each statement is run once, in one transaction, but for the batches, which are run for the rounds from :first to :last.
-- Player p plays rounds p, p + players, …, so that no two rounds of a player overlap; each round has the transactions'
-- share: bets and, unless it is still open, one result, or the refund of one in 97.

-- seed: rounds
CREATE TEMPORARY TABLE seed_rounds ON COMMIT DROP AS
SELECT
    r.*,
    CASE WHEN kind = 'open' THEN size ELSE size - 1 END AS bets,
    stake * CASE WHEN kind = 'open' THEN size ELSE size - 1 END AS staked,
    CASE WHEN kind = 'settled' AND n % 3 = 0 THEN stake * (n % 7) ELSE 0 END AS won
FROM (
    SELECT
        i AS n,
        'seed-' || lpad(((i - 1) % :players + 1)::text, 7, '0') AS user_id,
        'seed-' || i AS round_id,
        'game-' || i % 40 AS game_id,
        (ARRAY['USD', 'EUR', 'GBP', 'JPY', 'BRL'])[(i - 1) % :players % 5 + 1] AS currency,
        (1 + i % 20) * 0.50 AS stake,
        :transactions / :rounds + (i <= :transactions % :rounds)::int AS size,
        now() - interval '30 days' + (i - 1) * (interval '30 days' / :rounds) AS opened_at,
        CASE
            WHEN :transactions / :rounds = 1 OR (i > :rounds - :players AND i % 4 = 0) THEN 'open'
            WHEN i % 97 = 0 THEN 'refunded'
            ELSE 'settled'
        END AS kind
    FROM generate_series(1, :rounds) AS i
) AS r;

-- seed: totals
CREATE TEMPORARY TABLE seed_totals ON COMMIT DROP AS
SELECT
    n,
    sum(size) OVER earlier - size AS seq,
    sum(net) OVER earlier - net AS total,
    sum(size) OVER (PARTITION BY user_id) AS last_seq,
    sum(net) OVER (PARTITION BY user_id) AS last_total
FROM (
    SELECT n, user_id, size, CASE WHEN kind = 'refunded' THEN 0 ELSE won - staked END AS net FROM seed_rounds
) AS r
WINDOW earlier AS (PARTITION BY user_id ORDER BY n);

-- seed: keys
ALTER TABLE seed_totals ADD PRIMARY KEY (n);

-- seed: planned
ANALYZE seed_rounds, seed_totals;

-- seed: players
INSERT INTO players (user_id, created_at)
SELECT 'seed-' || lpad(p::text, 7, '0'), now() - interval '31 days' FROM generate_series(1, :players) AS p;

-- seed: wallets
INSERT INTO wallets (user_id, currency, opening_balance, balance, seq, opened_at)
SELECT
    p.user_id, (ARRAY['USD', 'EUR', 'GBP', 'JPY', 'BRL'])[p.number % 5 + 1], 1000000000,
    1000000000 + coalesce(t.last_total, 0), coalesce(t.last_seq, 0), p.created_at
FROM (SELECT user_id, created_at, right(user_id, 7)::int - 1 AS number FROM players) AS p
LEFT JOIN seed_totals AS t ON t.n = p.number + 1;

-- batch: rounds
INSERT INTO rounds (
    user_id, round_id, currency, game_id, state, staked, won, refunded, refund_id, bets, ended_at, opened_at
)
SELECT
    user_id, round_id, currency, game_id,
    CASE WHEN kind = 'settled' AND n % 2 = 0 THEN 'ended' ELSE kind END,
    staked, won, CASE kind WHEN 'refunded' THEN staked ELSE 0 END,
    CASE kind WHEN 'refunded' THEN pg_temp.seed_id(opened_at + (size - 1) * interval '1 millisecond', n, size) END,
    bets, CASE WHEN kind = 'settled' AND n % 2 = 0 THEN opened_at + size * interval '1 millisecond' END, opened_at
FROM seed_rounds WHERE n BETWEEN :first AND :last ORDER BY n;

-- batch: transactions
INSERT INTO transactions (
    user_id, id, seq, call, currency, round_id, reference, amount, stated, balance, sent, at
)
SELECT
    user_id, pg_temp.seed_id(at, n, k), seq + k, call, currency, round_id, 'seed-' || n || '-' || k, amount,
    CASE WHEN call <> 'refund' THEN abs(amount) END,
    1000000000 + total - stake * least(k, bets) + CASE WHEN k > bets THEN amount ELSE 0 END,
    '{"seed": true}', at
FROM (
    SELECT
        r.*, t.seq, t.total, k, r.opened_at + (k - 1) * interval '1 millisecond' AS at,
        CASE WHEN k <= r.bets THEN 'bet' WHEN r.kind = 'refunded' THEN 'refund' ELSE 'result' END AS call,
        CASE WHEN k <= r.bets THEN -r.stake WHEN r.kind = 'refunded' THEN r.staked ELSE r.won END AS amount
    FROM seed_rounds AS r JOIN seed_totals AS t USING (n), LATERAL generate_series(1, r.size) AS k
    WHERE r.n BETWEEN :first AND :last
) AS entries
ORDER BY n, k;

-- batch: refusals
INSERT INTO refusals (user_id, call, reference, outcome, currency, round_id, stated, sent, times, first_at, last_at)
SELECT
    user_id, 'bet', 'refused-' || n, (ARRAY['insufficient_balance', 'round_ended', 'player_frozen'])[n % 3 + 1], currency,
    round_id, stake, '{"seed": true}', 1 + n % 5, opened_at, opened_at + interval '1 minute'
FROM seed_rounds WHERE n BETWEEN :first AND :last AND n % 50 = 0;

-- batch: cancellations
INSERT INTO cancellations (
    user_id, id, round_id, game_id, state, requested_at, asked_at, refunded_at, refund_id
)
SELECT r.user_id, r.refund_id, r.round_id, r.game_id, 'refunded', r.opened_at, r.opened_at, r.opened_at, r.refund_id
FROM rounds AS r JOIN seed_rounds AS s USING (user_id, round_id)
WHERE r.state = 'refunded' AND s.n BETWEEN :first AND :last;

-- batch: cancellation_rounds
INSERT INTO cancellation_rounds (user_id, cancellation_id, round_id, refund_id)
SELECT c.user_id, c.id, c.round_id, c.refund_id
FROM cancellations AS c JOIN seed_rounds AS s USING (user_id, round_id) WHERE s.n BETWEEN :first AND :last;

-- batch: cancellation_attempts
INSERT INTO cancellation_attempts (
    user_id, id, cancellation_id, by_whom, why, asked_at, answer, code, message, answered_at
)
SELECT c.user_id, c.id, c.id, 'seed', 'seeded', c.asked_at, 'accepted', '0', 'Success', c.asked_at
FROM cancellations AS c JOIN seed_rounds AS s USING (user_id, round_id) WHERE s.n BETWEEN :first AND :last;

-- batch: actions
INSERT INTO actions (user_id, id, kind, round_id, reference, by_whom, why, at, before, after)
SELECT
    c.user_id, c.id, 'cancel', c.round_id, c.game_id, 'seed', 'seeded', c.asked_at,
    '{"cancellation": null}', '{"cancellation": "requested"}'
FROM cancellations AS c JOIN seed_rounds AS s USING (user_id, round_id) WHERE s.n BETWEEN :first AND :last;

-- batch: reviews
INSERT INTO reviews (user_id, round_id, reason, reference, currency, opened_at, closed_at, resolution)
SELECT
    user_id, round_id, 'refund_of_settled_round', '', currency, opened_at,
    CASE WHEN n % 5 > 0 THEN opened_at + interval '1 hour' END, CASE WHEN n % 5 > 0 THEN 'left' END
FROM seed_rounds WHERE kind = 'settled' AND n % 499 = 0 AND n BETWEEN :first AND :last;
