"""Complete the contract: results, cancels and wins in the rounds and the log; the review queue and its decisions."""

from alembic import op

revision = "0002_complete_contract"
down_revision = "0001_create_ledger"
branch_labels = None
depends_on = None

UP = (
    # Its parameters change; an earlier function of the same name would stay beside it. (No release has it yet; once
    # one has, a replaced signature stays for one release.)
    "DROP FUNCTION IF EXISTS refund(text, uuid, text, text, text, text, numeric, json)",
    """
    ALTER TABLE rounds
        ADD COLUMN bets integer NOT NULL DEFAULT 0,
        ADD COLUMN bets_cancelled integer NOT NULL DEFAULT 0,
        ADD COLUMN reversed numeric(38, 18) NOT NULL DEFAULT 0,
        ADD COLUMN ended_at timestamptz,
        DROP CONSTRAINT rounds_state_known,
        DROP CONSTRAINT rounds_sums_not_negative
    """,
    """
    UPDATE rounds AS r SET bets = t.number FROM (
        SELECT user_id, round_id, count(*) AS number FROM transactions WHERE call = 'bet' GROUP BY user_id, round_id
    ) t WHERE t.user_id = r.user_id AND t.round_id = r.round_id
    """,
    """
    ALTER TABLE rounds
        ADD CONSTRAINT rounds_state_known CHECK (state IN ('open', 'settled', 'ended', 'refunded')),
        ADD CONSTRAINT rounds_sums_not_negative
            CHECK (cancelled >= 0 AND won >= 0 AND refunded >= 0 AND reversed >= 0),
        ADD CONSTRAINT rounds_reversed_within_wins CHECK (reversed <= won),
        ADD CONSTRAINT rounds_cancels_within_bets CHECK (0 <= bets_cancelled AND bets_cancelled <= bets)
    """,
    "ALTER TABLE transactions DROP CONSTRAINT transactions_call_known",
    """
    ALTER TABLE transactions ADD CONSTRAINT transactions_call_known CHECK (call IN (
        'bet', 'result', 'cancel', 'refund', 'reversal', 'promo_win', 'bonus_win', 'jackpot_win', 'deposit',
        'withdrawal'
    ))
    """,
    # A cancel or a win names a round that may not be known, or not yet. What the key kept, the audit checks.
    "ALTER TABLE transactions DROP CONSTRAINT transactions_round",
    # A reversal belongs to its refund, whose reference may be anybody's.
    "DROP INDEX transactions_call_reference",
    """
    CREATE UNIQUE INDEX transactions_call_reference ON transactions (user_id, call, reference)
    WHERE call NOT IN ('refund', 'reversal')
    """,
    """
    CREATE UNIQUE INDEX transactions_reversal_round ON transactions (user_id, round_id) WHERE call = 'reversal'
    """,
    "CREATE INDEX transactions_bonus ON transactions (user_id, bonus_code) WHERE bonus_code IS NOT NULL",
    """
    CREATE TABLE reviews (
        user_id text NOT NULL,
        round_id text NOT NULL,
        reason text NOT NULL,
        reference text NOT NULL,
        currency text NOT NULL,
        opened_at timestamptz NOT NULL,
        closed_at timestamptz,
        resolution text,
        PRIMARY KEY (user_id, round_id, reason, reference),
        CONSTRAINT reviews_player FOREIGN KEY (user_id) REFERENCES players (user_id),
        CONSTRAINT reviews_reason_known CHECK (reason IN (
            'refund_of_settled_round', 'reversal_not_covered', 'unmatched_cancel', 'cancel_in_another_round',
            'cancel_in_settled_round', 'result_without_bet'
        )),
        CONSTRAINT reviews_resolution_known CHECK (resolution IN ('refunded', 'left', 'paid')),
        CONSTRAINT reviews_closed_with_resolution CHECK ((closed_at IS NULL) = (resolution IS NULL))
    )
    """,
    "CREATE INDEX reviews_open ON reviews (user_id, opened_at) WHERE closed_at IS NULL",
    """
    CREATE TABLE decisions (
        user_id text NOT NULL,
        id uuid NOT NULL,
        kind text NOT NULL,
        round_id text,
        reason text,
        reference text,
        transaction_id uuid,
        by_whom text NOT NULL,
        why text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (user_id, id),
        CONSTRAINT decisions_player FOREIGN KEY (user_id) REFERENCES players (user_id),
        CONSTRAINT decisions_kind_known CHECK (kind IN ('refund', 'leave', 'freeze', 'unfreeze')),
        CONSTRAINT decisions_have_reasons CHECK (by_whom <> '' AND why <> '')
    )
    """,
    """
    CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)

# The functions of this release come off; those of the release before are installed by its own migration run.
DOWN = (
    "DROP FUNCTION IF EXISTS post(text, uuid, text, text, text, text, text, numeric, numeric, json)",
    "DROP FUNCTION IF EXISTS lock_wallet(text, text)",
    "DROP FUNCTION IF EXISTS open_review(text, text, text, text, text)",
    "DROP FUNCTION IF EXISTS pay_refund(text, uuid, uuid, text, numeric, text, text, text, numeric, boolean, json)",
    "DROP FUNCTION IF EXISTS check_wallet(text, text, json)",
    "DROP FUNCTION IF EXISTS result(text, uuid, uuid, text, text, text, text, numeric, text, numeric, text, json)",
    "DROP FUNCTION IF EXISTS end_round(text, text, text, json)",
    "DROP FUNCTION IF EXISTS cancel(text, uuid, text, text, text, json)",
    "DROP FUNCTION IF EXISTS win(text, uuid, text, text, text, text, numeric, text, json)",
    "DROP FUNCTION IF EXISTS session_expired(text, json)",
    "DROP FUNCTION IF EXISTS transfer(text, uuid, text, text, text, numeric, json)",
    "DROP FUNCTION IF EXISTS set_player_state(text, uuid, text, text, text)",
    "DROP FUNCTION IF EXISTS decide_review(text, uuid, uuid, text, text, text, text, text, text, json)",
    "DROP FUNCTION IF EXISTS refund(text, uuid, uuid, text, text, text, text, numeric, boolean, json)",
    "DROP TABLE decisions, reviews",
    "DROP INDEX transactions_bonus, transactions_reversal_round, transactions_call_reference",
    """
    CREATE UNIQUE INDEX transactions_call_reference ON transactions (user_id, call, reference)
    WHERE call <> 'refund'
    """,
    "ALTER TABLE transactions DROP CONSTRAINT transactions_call_known",
    "ALTER TABLE transactions ADD CONSTRAINT transactions_call_known CHECK (call IN ('bet', 'refund'))",
    """
    ALTER TABLE transactions ADD CONSTRAINT transactions_round
        FOREIGN KEY (user_id, round_id) REFERENCES rounds (user_id, round_id)
    """,
    """
    ALTER TABLE rounds
        DROP CONSTRAINT rounds_state_known,
        DROP CONSTRAINT rounds_sums_not_negative,
        DROP CONSTRAINT rounds_reversed_within_wins,
        DROP CONSTRAINT rounds_cancels_within_bets,
        DROP COLUMN bets,
        DROP COLUMN bets_cancelled,
        DROP COLUMN reversed,
        DROP COLUMN ended_at
    """,
    """
    ALTER TABLE rounds
        ADD CONSTRAINT rounds_state_known CHECK (state IN ('open', 'refunded')),
        ADD CONSTRAINT rounds_sums_not_negative CHECK (cancelled >= 0 AND won >= 0 AND refunded >= 0)
    """,
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
