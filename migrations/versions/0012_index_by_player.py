"""Let every index on a round's or a reference's name go on to the player, so that no call reads a whole live table.

Both ways to one player's row cost the planner the same, and an index on the name alone is the smaller one: a bet in a
round of ten thousand players read all of their rounds.
"""

from alembic import op

revision = "0012_index_by_player"
down_revision = "0011_index_refusals"
branch_labels = None
depends_on = None

NEW = {
    "rounds_by_name": "rounds (round_id, user_id)",
    "transactions_by_reference": "transactions (reference, user_id)",
    "refusals_by_reference": "refusals (reference, user_id)",
    "refusals_by_round": "refusals (round_id, user_id)",
    "cancellations_by_round": "cancellations (round_id, user_id)",
    "reviews_by_reference": "reviews (reference, user_id)",
    "reviews_by_round": "reviews (round_id, user_id)",
}
OLD = {
    "rounds_named": "rounds (round_id)",
    "transactions_referenced": "transactions (reference)",
    "refusals_referenced": "refusals (reference)",
    "refusals_round": "refusals (round_id)",
    "cancellations_named": "cancellations (round_id)",
    "reviews_referenced": "reviews (reference)",
    "reviews_round": "reviews (round_id)",
}


def upgrade() -> None:
    replace(OLD, NEW)


def downgrade() -> None:
    replace(NEW, OLD)


def replace(old: dict[str, str], new: dict[str, str]) -> None:
    # Bets and refunds go on meanwhile. It may take long, waits for every transaction that is open, and must come to its
    # end; if it did not, an earlier run has left an index that is not valid.
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        for name, columns in new.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        for name in old:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")
