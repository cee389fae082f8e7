"""Index what a search looks for, whoever's it is, without keeping any call waiting."""

from alembic import op

revision = "0007_index_searches"
down_revision = "0006_index_transactions"
branch_labels = None
depends_on = None

INDEXES = {
    "rounds_named": "rounds (round_id)",
    "transactions_named": "transactions (id)",
    "transactions_referenced": "transactions (reference)",
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
