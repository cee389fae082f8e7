"""Index what waits for somebody, and reviews and refusals by time, without keeping any call waiting."""

from alembic import op

revision = "0008_index_queues"
down_revision = "0007_index_searches"
branch_labels = None
depends_on = None

INDEXES = {
    # The open rounds in the order of their list: rounds_open begins with the player, and would have them all sorted.
    # It costs one entry for each round, written at its end; a round's updates stay as they are, for rounds_open has
    # the same condition.
    "rounds_waiting": "rounds (opened_at, user_id, round_id) WHERE state = 'open'",
    "cancellations_awaited": "cancellations (requested_at, id) WHERE due_at IS NOT NULL",
    "reviews_opened": "reviews (opened_at)",
    "reviews_waiting": "reviews (opened_at) WHERE closed_at IS NULL",
    "refusals_first": "refusals (first_at)",
}


def upgrade() -> None:
    # Bets and refunds go on meanwhile. It may take long, waits for every transaction that is open, and must come to its
    # end; if it did not, an earlier run has left an index that is not valid.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
