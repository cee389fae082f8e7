"""Index rounds by the time they were opened, and the open ones, without keeping any call waiting."""

from alembic import op

revision = "0004_index_rounds"
down_revision = "0003_record_cancellations"
branch_labels = None
depends_on = None

INDEXES = {
    # The rounds of a time, in one order: what a reconciliation compares, and what lists show.
    "rounds_opened": "rounds (opened_at, user_id, round_id)",
    # The few that are open: what a game's cancellation waits for, and what the retention policy looks for.
    "rounds_open": "rounds (user_id, game_id, opened_at) WHERE state = 'open'",
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
