"""${message}

Before you write it: a statement that rewrites or scans a large table under ACCESS EXCLUSIVE stops every wallet call.
Add columns with a constant default or NULL; add checks and foreign keys NOT VALID and validate them in the next
migration; build indexes CONCURRENTLY inside op.get_context().autocommit_block(). The old release runs beside the new
one, so a column or function it uses goes one release after it stopped using it. Name the file as the revision:
NNNN_verb_noun.py.
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "raise NotImplementedError"}


def downgrade() -> None:
    ${downgrades if downgrades else "raise NotImplementedError"}
