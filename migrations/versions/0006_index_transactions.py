"""Index transactions by their time, without keeping any call waiting."""

from alembic import op

revision = "0006_index_transactions"
down_revision = "0005_add_desk"
branch_labels = None
depends_on = None

INDEXES = {
    # The newest first, whoever's they are: what lists show.
    "transactions_at": "transactions (at, id)",
}


def upgrade() -> None:
    # Bets and refunds go on meanwhile. It may take long, waits for every transaction that is open, and must come to its
    # end; if it did not, an earlier run has left an index that is not valid.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        op.execute("ALTER TABLE transactions VALIDATE CONSTRAINT transactions_call_known")
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
