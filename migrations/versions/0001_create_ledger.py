"""Create the ledger: players, wallets, rounds, transactions, refusals."""

from alembic import op

revision = "0001_create_ledger"
down_revision = None
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE players (
        user_id text PRIMARY KEY,
        state text NOT NULL DEFAULT 'active',
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT players_state_known CHECK (state IN ('active', 'frozen'))
    )
    """,
    """
    CREATE TABLE wallets (
        user_id text NOT NULL,
        currency text NOT NULL,
        opening_balance numeric(38, 18) NOT NULL,
        balance numeric(38, 18) NOT NULL,
        seq bigint NOT NULL DEFAULT 0,
        opened_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, currency),
        CONSTRAINT wallets_player FOREIGN KEY (user_id) REFERENCES players (user_id),
        CONSTRAINT wallets_opening_balance_not_negative CHECK (opening_balance >= 0),
        CONSTRAINT wallets_balance_not_negative CHECK (balance >= 0)
    )
    """,
    """
    CREATE TABLE rounds (
        user_id text NOT NULL,
        round_id text NOT NULL,
        currency text NOT NULL,
        game_id text,
        state text NOT NULL DEFAULT 'open',
        staked numeric(38, 18) NOT NULL DEFAULT 0,
        won numeric(38, 18) NOT NULL DEFAULT 0,
        cancelled numeric(38, 18) NOT NULL DEFAULT 0,
        refunded numeric(38, 18) NOT NULL DEFAULT 0,
        refund_id uuid,
        opened_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, round_id),
        CONSTRAINT rounds_wallet FOREIGN KEY (user_id, currency) REFERENCES wallets (user_id, currency),
        CONSTRAINT rounds_state_known CHECK (state IN ('open', 'refunded')),
        CONSTRAINT rounds_refund_named CHECK ((state = 'refunded') = (refund_id IS NOT NULL)),
        CONSTRAINT rounds_sums_not_negative CHECK (cancelled >= 0 AND won >= 0 AND refunded >= 0),
        CONSTRAINT rounds_returns_within_stake CHECK (cancelled + refunded <= staked)
    )
    """,
    """
    CREATE TABLE transactions (
        user_id text NOT NULL,
        id uuid NOT NULL,
        seq bigint NOT NULL,
        call text NOT NULL,
        currency text NOT NULL,
        round_id text,
        reference text NOT NULL,
        bonus_code text,
        amount numeric(38, 18) NOT NULL,
        stated numeric(32, 18),
        balance numeric(38, 18) NOT NULL,
        sent json NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (user_id, id),
        CONSTRAINT transactions_wallet FOREIGN KEY (user_id, currency) REFERENCES wallets (user_id, currency),
        CONSTRAINT transactions_round FOREIGN KEY (user_id, round_id) REFERENCES rounds (user_id, round_id),
        CONSTRAINT transactions_wallet_seq UNIQUE (user_id, currency, seq),
        CONSTRAINT transactions_call_known CHECK (call IN ('bet', 'refund')),
        CONSTRAINT transactions_balance_not_negative CHECK (balance >= 0)
    )
    """,
    """
    CREATE UNIQUE INDEX transactions_call_reference ON transactions (user_id, call, reference)
    WHERE call <> 'refund'
    """,
    """
    CREATE UNIQUE INDEX transactions_refund_round ON transactions (user_id, round_id)
    WHERE call = 'refund' AND round_id IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX transactions_refund_reference ON transactions (user_id, reference)
    WHERE call = 'refund' AND round_id IS NULL
    """,
    "CREATE INDEX transactions_round_story ON transactions (user_id, round_id)",
    """
    CREATE TABLE refusals (
        user_id text NOT NULL,
        call text NOT NULL,
        reference text NOT NULL,
        outcome text NOT NULL,
        currency text,
        round_id text,
        stated numeric(32, 18),
        sent json NOT NULL,
        times bigint NOT NULL,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        PRIMARY KEY (user_id, call, reference, outcome),
        CONSTRAINT refusals_player FOREIGN KEY (user_id) REFERENCES players (user_id)
    )
    """,
    """
    CREATE TABLE ledger_contract (
        only_row boolean PRIMARY KEY DEFAULT true,
        number integer NOT NULL,
        CONSTRAINT ledger_contract_one_row CHECK (only_row)
    )
    """,
    "CREATE TYPE receipt AS (outcome text, transaction_id uuid, currency text, balance numeric)",
    # The log is append-only for everybody, the tables' owner included.
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% of % is refused: it is kept for ever as it was written', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END
    $$
    """,
    """
    CREATE TRIGGER transactions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER wallets_opening_fixed BEFORE UPDATE OF user_id, currency, opening_balance ON wallets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)

DOWN = (
    "DROP TYPE receipt CASCADE",  # and with it every function that returns one
    "DROP FUNCTION IF EXISTS only_currency(text)",
    "DROP TABLE ledger_contract, refusals, transactions, rounds, wallets, players",
    "DROP FUNCTION refuse_change()",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
