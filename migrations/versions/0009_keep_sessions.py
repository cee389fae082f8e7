"""Keep the desk's sessions, hashes alone of names whose logins failed, and one good token of a name."""

from alembic import op

revision = "0009_keep_sessions"
down_revision = "0008_index_queues"
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE desk_sessions (
        id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES accounts (id),
        began_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX desk_sessions_account ON desk_sessions (account_id)",
    # Whoever is logged in must log in again.
    "ALTER TABLE accounts DROP COLUMN session_key",
    # People type their passwords for their names.
    "ALTER TABLE failed_logins RENAME COLUMN name TO name_hash",
    "UPDATE failed_logins SET name_hash = encode(sha256(convert_to(name_hash, 'UTF8')), 'hex')",
    # The newest keeps the name.
    """
    UPDATE api_tokens older SET name = left(older.name, 55) || ' ' || left(older.id::text, 8)
    WHERE older.revoked_at IS NULL AND EXISTS (
        SELECT FROM api_tokens newer
        WHERE newer.name = older.name AND newer.revoked_at IS NULL
          AND (newer.created_at, newer.id) > (older.created_at, older.id)
    )
    """,
    "CREATE UNIQUE INDEX api_tokens_good_name ON api_tokens (name) WHERE revoked_at IS NULL",
)

DOWN = (
    "DROP INDEX api_tokens_good_name",
    "DELETE FROM failed_logins",  # a hash is no name
    "ALTER TABLE failed_logins RENAME COLUMN name_hash TO name",
    "DROP TABLE desk_sessions",
    "ALTER TABLE accounts ADD COLUMN session_key uuid NOT NULL DEFAULT gen_random_uuid()",
    "ALTER TABLE accounts ALTER COLUMN session_key DROP DEFAULT",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
