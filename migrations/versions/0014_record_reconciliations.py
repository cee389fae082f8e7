"""What was compared with Lucky Monaco's book, and until when, is kept for ever: how far behind a comparison is."""

from alembic import op

revision = "0014_record_reconciliations"
down_revision = "0013_part_roles"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE reconciliations (
            id uuid NOT NULL,
            at timestamptz NOT NULL,
            period_start timestamptz NOT NULL,
            done_to timestamptz NOT NULL,
            rounds_here bigint NOT NULL,
            rounds_there bigint NOT NULL,
            differences bigint NOT NULL,
            PRIMARY KEY (id),
            CONSTRAINT reconciliations_of_a_period CHECK (period_start < done_to),
            CONSTRAINT reconciliations_counted CHECK (rounds_here >= 0 AND rounds_there >= 0 AND differences >= 0)
        )
        """
    )
    op.execute("CREATE INDEX reconciliations_done ON reconciliations (done_to)")
    op.execute(
        """
        CREATE TRIGGER reconciliations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reconciliations
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS record_reconciliation(uuid, timestamptz, timestamptz, bigint, bigint, bigint)")
    op.execute("DROP TABLE reconciliations")
