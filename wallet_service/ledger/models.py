"""The tables as SQLAlchemy models.

Alembic compares them with the migrated schema and the reads are built from them. Only the SQL functions beside this
file write these tables. ``user_id`` stands first in every key: every call concerns one player, and that is what lets
the same schema be spread over several machines.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = [
    "Account",
    "Action",
    "ApiToken",
    "Base",
    "Cancellation",
    "CancellationAttempt",
    "CancellationRound",
    "FailedLogin",
    "LedgerContract",
    "Player",
    "Refusal",
    "Review",
    "Round",
    "Transaction",
    "Wallet",
]

AMOUNT = Numeric(32, 18)
"""One movement."""
TOTAL = Numeric(38, 18)
"""A balance or a sum of movements."""
TIME = TIMESTAMP(timezone=True)


class Base(DeclarativeBase):
    """The metadata that Alembic compares with the database."""


class Player(Base):
    """A player of the operator."""

    __tablename__ = "players"
    __table_args__ = (CheckConstraint("state IN ('active', 'frozen')", name="players_state_known"),)

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(Text, server_default=text("'active'"))
    created_at: Mapped[datetime] = mapped_column(TIME, server_default=func.now())


class Wallet(Base):
    """A player's money in one currency. ``seq`` counts its transactions and is raised under its lock."""

    __tablename__ = "wallets"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["players.user_id"], name="wallets_player"),
        CheckConstraint("opening_balance >= 0", name="wallets_opening_balance_not_negative"),
        CheckConstraint("balance >= 0", name="wallets_balance_not_negative"),
    )

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    opening_balance: Mapped[Decimal] = mapped_column(TOTAL)
    balance: Mapped[Decimal] = mapped_column(TOTAL)
    seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    opened_at: Mapped[datetime] = mapped_column(TIME, server_default=func.now())


class Round(Base):
    """A game round of one player: what was staked in it and what came back.

    It is ``open``, ``settled`` by its first result, ``ended`` by EndRound and ``refunded`` for ever. ``bets`` and
    ``bets_cancelled`` count; ``reversed`` is what a refund took back of ``won``.
    """

    __tablename__ = "rounds"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "currency"], ["wallets.user_id", "wallets.currency"], name="rounds_wallet"),
        CheckConstraint("state IN ('open', 'settled', 'ended', 'refunded')", name="rounds_state_known"),
        CheckConstraint("(state = 'refunded') = (refund_id IS NOT NULL)", name="rounds_refund_named"),
        CheckConstraint(
            "cancelled >= 0 AND won >= 0 AND refunded >= 0 AND reversed >= 0", name="rounds_sums_not_negative"
        ),
        CheckConstraint("reversed <= won", name="rounds_reversed_within_wins"),
        CheckConstraint("0 <= bets_cancelled AND bets_cancelled <= bets", name="rounds_cancels_within_bets"),
        CheckConstraint("cancelled + refunded <= staked", name="rounds_returns_within_stake"),
        Index("rounds_opened", "opened_at", "user_id", "round_id"),
        Index("rounds_by_name", "round_id", "user_id"),
        Index("rounds_open", "user_id", "game_id", "opened_at", postgresql_where=text("state = 'open'")),
        Index("rounds_waiting", "opened_at", "user_id", "round_id", postgresql_where=text("state = 'open'")),
    )

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    round_id: Mapped[str] = mapped_column(Text, primary_key=True)
    currency: Mapped[str] = mapped_column(Text)
    game_id: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default=text("'open'"))
    staked: Mapped[Decimal] = mapped_column(TOTAL, server_default=text("0"))
    won: Mapped[Decimal] = mapped_column(TOTAL, server_default=text("0"))
    cancelled: Mapped[Decimal] = mapped_column(TOTAL, server_default=text("0"))
    refunded: Mapped[Decimal] = mapped_column(TOTAL, server_default=text("0"))
    reversed: Mapped[Decimal] = mapped_column(TOTAL, server_default=text("0"))
    refund_id: Mapped[UUID | None] = mapped_column(Uuid)
    bets: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    bets_cancelled: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    ended_at: Mapped[datetime | None] = mapped_column(TIME)
    opened_at: Mapped[datetime] = mapped_column(TIME, server_default=func.now())


class Transaction(Base):
    """One movement of a wallet, or one remembered refund or cancel, for ever: a trigger refuses every change.

    ``amount`` is signed as the wallet sees it (a bet is negative); ``stated`` is the amount the caller named, which a
    replay is compared with. ``round_id`` is the round it names; a cancel's or a win's need not be known.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "currency"], ["wallets.user_id", "wallets.currency"], name="transactions_wallet"
        ),
        UniqueConstraint("user_id", "currency", "seq", name="transactions_wallet_seq"),
        Index(
            "transactions_call_reference",
            "user_id",
            "call",
            "reference",
            unique=True,
            postgresql_where=text("call NOT IN ('refund', 'reversal')"),
        ),
        # Of a round, one refund for ever (rule 1); of a bet that never came, one refund for its reference (rule 3).
        Index(
            "transactions_refund_round",
            "user_id",
            "round_id",
            unique=True,
            postgresql_where=text("call = 'refund' AND round_id IS NOT NULL"),
        ),
        Index(
            "transactions_refund_reference",
            "user_id",
            "reference",
            unique=True,
            postgresql_where=text("call = 'refund' AND round_id IS NULL"),
        ),
        Index(
            "transactions_reversal_round",
            "user_id",
            "round_id",
            unique=True,
            postgresql_where=text("call = 'reversal'"),
        ),
        Index("transactions_round_story", "user_id", "round_id"),
        Index("transactions_at", "at", "id"),
        Index("transactions_named", "id"),
        Index("transactions_by_reference", "reference", "user_id"),
        Index("transactions_bonus", "user_id", "bonus_code", postgresql_where=text("bonus_code IS NOT NULL")),
        CheckConstraint(
            "call IN ('bet', 'result', 'cancel', 'refund', 'reversal', 'promo_win', 'bonus_win', 'jackpot_win',"
            " 'deposit', 'withdrawal', 'credit', 'debit')",
            name="transactions_call_known",
        ),
        CheckConstraint("balance >= 0", name="transactions_balance_not_negative"),
    )

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    call: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    round_id: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    bonus_code: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(TOTAL)
    stated: Mapped[Decimal | None] = mapped_column(AMOUNT)
    balance: Mapped[Decimal] = mapped_column(TOTAL)
    sent: Mapped[str] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(TIME)


class Refusal(Base):
    """What was asked of a known player in vain, once per call, reference and outcome (rule 15)."""

    __tablename__ = "refusals"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["players.user_id"], name="refusals_player"),
        Index("refusals_first", "first_at"),
        Index("refusals_latest", "user_id", "first_at"),
        Index("refusals_by_reference", "reference", "user_id"),
        Index("refusals_by_round", "round_id", "user_id"),
    )

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    call: Mapped[str] = mapped_column(Text, primary_key=True)
    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    outcome: Mapped[str] = mapped_column(Text, primary_key=True)
    currency: Mapped[str | None] = mapped_column(Text)
    round_id: Mapped[str | None] = mapped_column(Text)
    stated: Mapped[Decimal | None] = mapped_column(AMOUNT)
    sent: Mapped[str] = mapped_column(JSON)
    times: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime] = mapped_column(TIME)
    last_at: Mapped[datetime] = mapped_column(TIME)


class Review(Base):
    """A round that waits, or waited, for a person's decision; once per cause.

    ``reference`` is that of the cancel or result which is the cause, what differs where a reconciliation is, or empty
    where the round itself is.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["players.user_id"], name="reviews_player"),
        Index("reviews_open", "user_id", "opened_at", postgresql_where=text("closed_at IS NULL")),
        Index("reviews_opened", "opened_at"),
        Index("reviews_by_reference", "reference", "user_id"),
        Index("reviews_by_round", "round_id", "user_id"),
        Index("reviews_waiting", "opened_at", postgresql_where=text("closed_at IS NULL")),
        CheckConstraint(
            "reason IN ('refund_of_settled_round', 'reversal_not_covered', 'unmatched_cancel',"
            " 'cancel_in_another_round', 'cancel_in_settled_round', 'result_without_bet', 'reconciliation')",
            name="reviews_reason_known",
        ),
        CheckConstraint("resolution IN ('refunded', 'left', 'paid')", name="reviews_resolution_known"),
        CheckConstraint("(closed_at IS NULL) = (resolution IS NULL)", name="reviews_closed_with_resolution"),
    )

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    round_id: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(Text, primary_key=True)
    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    currency: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(TIME)
    closed_at: Mapped[datetime | None] = mapped_column(TIME)
    resolution: Mapped[str | None] = mapped_column(Text)


class Action(Base):
    """What a person did, at the desk or on the command line, for ever: a trigger refuses every change.

    ``user_id`` is the player concerned; empty where the action is about an account, or a selection of rounds. ``kind``
    says what was done, ``before`` and ``after`` what it changed.
    """

    __tablename__ = "actions"
    __table_args__ = (
        Index("actions_at", "at", "id"),
        CheckConstraint(
            "kind IN ('refund', 'leave', 'freeze', 'unfreeze', 'cancel', 'credit', 'debit', 'account', 'open')",
            name="actions_kind_known",
        ),
        CheckConstraint("by_whom <> '' AND why <> ''", name="actions_have_reasons"),
    )

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    round_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    transaction_id: Mapped[UUID | None] = mapped_column(Uuid)
    by_whom: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIME)
    before: Mapped[str | None] = mapped_column(JSON)
    after: Mapped[str | None] = mapped_column(JSON)


class Cancellation(Base):
    """What ops asked Lucky Monaco to void: one round or, without ``round_id``, a game's open rounds (section 2).

    Until ``due_at`` the answer (while ``requested``) or the Refund (while ``accepted``) is awaited. Afterwards the one
    counts as unknown, the other as overdue. It is ``refunded`` by the last refund of its rounds.
    """

    __tablename__ = "cancellations"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["players.user_id"], name="cancellations_player"),
        Index("cancellations_round", "user_id", "round_id", unique=True, postgresql_where=text("round_id IS NOT NULL")),
        Index(
            "cancellations_game",
            "user_id",
            "game_id",
            unique=True,
            postgresql_where=text("round_id IS NULL AND state <> 'refunded'"),
        ),
        Index("cancellations_by_round", "round_id", "user_id"),
        Index("cancellations_requested", "requested_at"),
        Index("cancellations_awaited", "requested_at", "id", postgresql_where=text("due_at IS NOT NULL")),
        CheckConstraint("round_id IS NOT NULL OR game_id IS NOT NULL", name="cancellations_name_a_round_or_a_game"),
        CheckConstraint(
            "state IN ('requested', 'accepted', 'refused', 'unknown', 'refunded')", name="cancellations_state_known"
        ),
        CheckConstraint(
            "(state IN ('requested', 'accepted')) = (due_at IS NOT NULL)", name="cancellations_due_while_awaited"
        ),
        CheckConstraint(
            "(state = 'refunded') = (refund_id IS NOT NULL) AND (state = 'refunded') = (refunded_at IS NOT NULL)",
            name="cancellations_refund_named",
        ),
    )

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    round_id: Mapped[str | None] = mapped_column(Text)
    game_id: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(TIME)
    asked_at: Mapped[datetime] = mapped_column(TIME)
    due_at: Mapped[datetime | None] = mapped_column(TIME)
    refunded_at: Mapped[datetime | None] = mapped_column(TIME)
    refund_id: Mapped[UUID | None] = mapped_column(Uuid)


class CancellationRound(Base):
    """A round that a cancellation is about: its own or, of a game, one that was open when it was asked for."""

    __tablename__ = "cancellation_rounds"
    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "cancellation_id"],
            ["cancellations.user_id", "cancellations.id"],
            name="cancellation_rounds_cancellation",
        ),
        Index("cancellation_rounds_awaited", "user_id", "round_id", postgresql_where=text("refund_id IS NULL")),
    )

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    cancellation_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    round_id: Mapped[str] = mapped_column(Text, primary_key=True)
    refund_id: Mapped[UUID | None] = mapped_column(Uuid)


class CancellationAttempt(Base):
    """One time that a cancellation was asked for: who, why, and what Lucky Monaco answered."""

    __tablename__ = "cancellation_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "cancellation_id"],
            ["cancellations.user_id", "cancellations.id"],
            name="cancellation_attempts_cancellation",
        ),
        Index("cancellation_attempts_story", "user_id", "cancellation_id", "asked_at"),
        CheckConstraint("by_whom <> '' AND why <> ''", name="cancellation_attempts_have_reasons"),
        CheckConstraint("answer IN ('accepted', 'refused', 'unknown')", name="cancellation_attempts_answer_known"),
        CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL AND code IS NULL AND message IS NULL)",
            name="cancellation_attempts_answered_at",
        ),
    )

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    cancellation_id: Mapped[UUID] = mapped_column(Uuid)
    by_whom: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(TIME)
    answer: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None] = mapped_column(TIME)


class LedgerContract(Base):
    """One row: the contract number of the installed functions. A service starts only on its own number."""

    __tablename__ = "ledger_contract"
    __table_args__ = (CheckConstraint("only_row", name="ledger_contract_one_row"),)

    only_row: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    number: Mapped[int] = mapped_column(Integer)


class Reconciliation(Base):
    """A comparison with Lucky Monaco's book, whole from ``period_start`` to before ``done_to``; kept for ever."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        Index("reconciliations_done", "done_to"),
        CheckConstraint("period_start < done_to", name="reconciliations_of_a_period"),
        CheckConstraint("rounds_here >= 0 AND rounds_there >= 0 AND differences >= 0", name="reconciliations_counted"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    at: Mapped[datetime] = mapped_column(TIME)
    period_start: Mapped[datetime] = mapped_column(TIME)
    done_to: Mapped[datetime] = mapped_column(TIME)
    rounds_here: Mapped[int] = mapped_column(BigInteger)
    rounds_there: Mapped[int] = mapped_column(BigInteger)
    differences: Mapped[int] = mapped_column(BigInteger)


class Account(Base):
    """Somebody who may log in at the desk."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("name", name="accounts_name_key"),
        CheckConstraint("role IN ('viewer', 'operator', 'admin')", name="accounts_role_known"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIME)
    disabled_at: Mapped[datetime | None] = mapped_column(TIME)


class DeskSession(Base):
    """Somebody who is logged in. A session that has ended has no row."""

    __tablename__ = "desk_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["accounts.id"], name="desk_sessions_account_id_fkey"),
        Index("desk_sessions_account", "account_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(Uuid)
    began_at: Mapped[datetime] = mapped_column(TIME)


class ApiToken(Base):
    """A token for scripts, known by the hash of it alone."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        UniqueConstraint("token_hash", name="api_tokens_token_hash_key"),
        Index("api_tokens_good_name", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
        CheckConstraint("role IN ('viewer', 'operator', 'admin')", name="api_tokens_role_known"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIME)
    revoked_at: Mapped[datetime | None] = mapped_column(TIME)


class FailedLogin(Base):
    """A login that was refused; too many of a name or from an address make the next ones wait.

    The name's hash is kept alone: what is typed there by mistake is a password.
    """

    __tablename__ = "failed_logins"
    __table_args__ = (
        Index("failed_logins_name", "name_hash", "at"),
        Index("failed_logins_address", "address", "at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name_hash: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIME)
