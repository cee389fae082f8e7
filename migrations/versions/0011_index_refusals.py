"""Index what was refused, cancelled and reviewed by its names, without keeping any call waiting."""

from alembic import op

revision = "0011_index_refusals"
down_revision = "0010_log_openings"
branch_labels = None
depends_on = None

INDEXES = {
    # What a search looks for. A refusal that is asked again keeps its names, so its row's updates touch no index.
    "refusals_referenced": "refusals (reference)",
    "refusals_round": "refusals (round_id)",
    "cancellations_named": "cancellations (round_id)",
    "reviews_referenced": "reviews (reference)",
    "reviews_round": "reviews (round_id)",
    # A player's latest refusals: a script may collect very many.
    "refusals_latest": "refusals (user_id, first_at)",
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
    # The release before does not call it.
    op.execute("DROP FUNCTION IF EXISTS apply_calls(text[], json)")
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
