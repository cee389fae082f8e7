"""The action log takes what somebody opened a wallet with."""

from alembic import op

revision = "0010_log_openings"
down_revision = "0009_keep_sessions"
branch_labels = None
depends_on = None

KINDS = "'refund', 'leave', 'freeze', 'unfreeze', 'cancel', 'credit', 'debit', 'account'"


def upgrade() -> None:
    op.execute("ALTER TABLE actions DROP CONSTRAINT actions_kind_known")
    op.execute(f"ALTER TABLE actions ADD CONSTRAINT actions_kind_known CHECK (kind IN ({KINDS}, 'open'))")


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS open_wallet_by_hand(text, uuid, text, numeric, text, text)")
    op.execute("ALTER TABLE actions DROP CONSTRAINT actions_kind_known")
    # What was entered stays: nothing is ever taken out of the log.
    op.execute(f"ALTER TABLE actions ADD CONSTRAINT actions_kind_known CHECK (kind IN ({KINDS})) NOT VALID")
