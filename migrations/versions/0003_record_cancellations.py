"""Record cancellations: what ops asked Lucky Monaco to void, what came of it, and each time it was asked."""

from alembic import op

revision = "0003_record_cancellations"
down_revision = "0002_complete_contract"
branch_labels = None
depends_on = None

REASONS = (
    "'refund_of_settled_round', 'reversal_not_covered', 'unmatched_cancel', 'cancel_in_another_round',"
    " 'cancel_in_settled_round', 'result_without_bet'"
)

UP = (
    """
    CREATE TABLE cancellations (
        user_id text NOT NULL,
        id uuid NOT NULL,
        round_id text,
        game_id text,
        state text NOT NULL,
        requested_at timestamptz NOT NULL,
        asked_at timestamptz NOT NULL,
        due_at timestamptz,
        refunded_at timestamptz,
        refund_id uuid,
        PRIMARY KEY (user_id, id),
        CONSTRAINT cancellations_player FOREIGN KEY (user_id) REFERENCES players (user_id),
        CONSTRAINT cancellations_name_a_round_or_a_game CHECK (round_id IS NOT NULL OR game_id IS NOT NULL),
        CONSTRAINT cancellations_state_known
            CHECK (state IN ('requested', 'accepted', 'refused', 'unknown', 'refunded')),
        CONSTRAINT cancellations_due_while_awaited
            CHECK ((state IN ('requested', 'accepted')) = (due_at IS NOT NULL)),
        CONSTRAINT cancellations_refund_named
            CHECK ((state = 'refunded') = (refund_id IS NOT NULL) AND (state = 'refunded') = (refunded_at IS NOT NULL))
    )
    """,
    # Of a round, one cancellation for ever; of a game's open rounds, one at a time.
    "CREATE UNIQUE INDEX cancellations_round ON cancellations (user_id, round_id) WHERE round_id IS NOT NULL",
    """
    CREATE UNIQUE INDEX cancellations_game ON cancellations (user_id, game_id)
    WHERE round_id IS NULL AND state <> 'refunded'
    """,
    "CREATE INDEX cancellations_requested ON cancellations (requested_at)",
    # The rounds that a cancellation is about: its own or, of a game, those that were open when it was asked for.
    """
    CREATE TABLE cancellation_rounds (
        user_id text NOT NULL,
        cancellation_id uuid NOT NULL,
        round_id text NOT NULL,
        refund_id uuid,
        PRIMARY KEY (user_id, cancellation_id, round_id),
        CONSTRAINT cancellation_rounds_cancellation
            FOREIGN KEY (user_id, cancellation_id) REFERENCES cancellations (user_id, id)
    )
    """,
    # Every refund looks here; what was refunded must not slow it down.
    "CREATE INDEX cancellation_rounds_awaited ON cancellation_rounds (user_id, round_id) WHERE refund_id IS NULL",
    """
    CREATE TABLE cancellation_attempts (
        user_id text NOT NULL,
        id uuid NOT NULL,
        cancellation_id uuid NOT NULL,
        by_whom text NOT NULL,
        why text NOT NULL,
        asked_at timestamptz NOT NULL,
        answer text,
        code text,
        message text,
        answered_at timestamptz,
        PRIMARY KEY (user_id, id),
        CONSTRAINT cancellation_attempts_cancellation
            FOREIGN KEY (user_id, cancellation_id) REFERENCES cancellations (user_id, id),
        CONSTRAINT cancellation_attempts_have_reasons CHECK (by_whom <> '' AND why <> ''),
        CONSTRAINT cancellation_attempts_answer_known CHECK (answer IN ('accepted', 'refused', 'unknown')),
        CONSTRAINT cancellation_attempts_answered_at
            CHECK ((answer IS NULL) = (answered_at IS NULL AND code IS NULL AND message IS NULL))
    )
    """,
    "CREATE INDEX cancellation_attempts_story ON cancellation_attempts (user_id, cancellation_id, asked_at)",
    "ALTER TABLE reviews DROP CONSTRAINT reviews_reason_known",
    f"ALTER TABLE reviews ADD CONSTRAINT reviews_reason_known CHECK (reason IN ({REASONS}, 'reconciliation'))",
)

# The functions that know these tables stay until the release before installs its own, by its own migration run: between
# the two, no refund can be paid. Stop the service first.
DOWN = (
    "DROP FUNCTION IF EXISTS request_cancellation(text, uuid, text, text, text, text, integer)",
    "DROP FUNCTION IF EXISTS answer_cancellation(text, uuid, text, text, text, integer)",
    "DROP FUNCTION IF EXISTS queue_review(text, text, text, text, text)",
    "ALTER TABLE reviews DROP CONSTRAINT reviews_reason_known",
    "DELETE FROM reviews WHERE reason = 'reconciliation'",
    f"ALTER TABLE reviews ADD CONSTRAINT reviews_reason_known CHECK (reason IN ({REASONS}))",
    "DROP TABLE cancellation_attempts, cancellation_rounds, cancellations",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
