"""The service, which no longer writes the action log itself, owner and readers become different database roles.

What each may do is granted at the end of every run (``wallet_service/ledger/grants.py``), as the functions are
installed. The number says that a database without them is not ready for this release.
"""

from alembic import op

revision = "0013_part_roles"
down_revision = "0012_index_by_player"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing but the functions and the grants."""


def downgrade() -> None:
    # The release before does not call it. What is granted stays: it takes nothing from the owner, whom it runs as.
    op.execute("DROP FUNCTION IF EXISTS enter_action(uuid, text, text, text, text, json, json)")
