"""Add the desk: its accounts and tokens, one log of every action, and money added or taken by hand."""

from alembic import op

revision = "0005_add_desk"
down_revision = "0004_index_rounds"
branch_labels = None
depends_on = None

CALLS = (
    "'bet', 'result', 'cancel', 'refund', 'reversal', 'promo_win', 'bonus_win', 'jackpot_win', 'deposit', 'withdrawal'"
)

UP = (
    # One log for whatever a person does, at the desk or on the command line; the decisions were its beginning.
    "ALTER TABLE decisions RENAME TO actions",
    "ALTER INDEX decisions_pkey RENAME TO actions_pkey",
    "ALTER TABLE actions RENAME CONSTRAINT decisions_have_reasons TO actions_have_reasons",
    "ALTER TRIGGER decisions_append_only ON actions RENAME TO actions_append_only",
    """
    ALTER TABLE actions
        DROP CONSTRAINT decisions_player,
        DROP CONSTRAINT decisions_kind_known,
        ADD COLUMN before json,
        ADD COLUMN after json
    """,
    # A later release may have been here before, and left entries of its own: it checks them all when it comes back.
    """
    ALTER TABLE actions ADD CONSTRAINT actions_kind_known CHECK (kind IN (
        'refund', 'leave', 'freeze', 'unfreeze', 'cancel', 'credit', 'debit', 'account'
    )) NOT VALID
    """,
    "CREATE INDEX actions_at ON actions (at, id)",
    "ALTER TABLE transactions DROP CONSTRAINT transactions_call_known",
    # Checked by the next migration, which keeps no call waiting.
    f"""
    ALTER TABLE transactions ADD CONSTRAINT transactions_call_known
        CHECK (call IN ({CALLS}, 'credit', 'debit')) NOT VALID
    """,
    """
    CREATE TABLE accounts (
        id uuid PRIMARY KEY,
        name text NOT NULL UNIQUE,
        password_hash text NOT NULL,
        role text NOT NULL,
        session_key uuid NOT NULL,
        created_at timestamptz NOT NULL,
        disabled_at timestamptz,
        CONSTRAINT accounts_role_known CHECK (role IN ('viewer', 'operator', 'admin'))
    )
    """,
    """
    CREATE TABLE api_tokens (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        token_hash text NOT NULL UNIQUE,
        role text NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz,
        CONSTRAINT api_tokens_role_known CHECK (role IN ('viewer', 'operator', 'admin'))
    )
    """,
    """
    CREATE TABLE failed_logins (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        address text NOT NULL,
        at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX failed_logins_name ON failed_logins (name, at)",
    "CREATE INDEX failed_logins_address ON failed_logins (address, at)",
)

DOWN = (
    "DROP FUNCTION IF EXISTS adjust(text, uuid, text, text, text, numeric, text, text, json)",
    "DROP TABLE failed_logins, api_tokens, accounts",
    "ALTER TABLE transactions DROP CONSTRAINT transactions_call_known",
    # What was entered stays, here and in the log; of the log's entries, only what they changed is lost.
    f"ALTER TABLE transactions ADD CONSTRAINT transactions_call_known CHECK (call IN ({CALLS})) NOT VALID",
    "DROP INDEX actions_at",
    "ALTER TABLE actions DROP CONSTRAINT actions_kind_known, DROP COLUMN before, DROP COLUMN after",
    "ALTER TABLE actions RENAME TO decisions",
    "ALTER INDEX actions_pkey RENAME TO decisions_pkey",
    "ALTER TABLE decisions RENAME CONSTRAINT actions_have_reasons TO decisions_have_reasons",
    "ALTER TRIGGER actions_append_only ON decisions RENAME TO decisions_append_only",
    """
    ALTER TABLE decisions
        ADD CONSTRAINT decisions_kind_known CHECK (kind IN ('refund', 'leave', 'freeze', 'unfreeze')) NOT VALID,
        ADD CONSTRAINT decisions_player FOREIGN KEY (user_id) REFERENCES players (user_id) NOT VALID
    """,
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
