"""The one door to the money: a call goes in, its database function runs, a receipt comes out."""

from dataclasses import fields
from itertools import count
from threading import BoundedSemaphore
from time import monotonic
from typing import Any

from psycopg import errors
from sqlalchemy import Engine, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from uuid_utils.compat import uuid7

from wallet_service.ledger.breaker import IN_VAIN_AFTER_S, Breaker
from wallet_service.ledger.call_groups import GROUPS_AT_ONCE, CallGroups, receipt_of
from wallet_service.ledger.calls import (
    Adjust,
    AnswerCancellation,
    Balance,
    Bet,
    Call,
    Cancel,
    Check,
    DecideReview,
    EndRound,
    OpenWallet,
    OpenWalletByHand,
    QueueReview,
    Refund,
    RequestCancellation,
    Result,
    SessionExpired,
    SetPlayerState,
    Transfer,
    Win,
)
from wallet_service.ledger.group_commit import WaitedTooLongError
from wallet_service.ledger.outcomes import Receipt

__all__ = ["Ledger", "LedgerUnavailableError"]

TYPES = (
    {"patience": "integer", "reverse": "boolean", "sent": "json"}
    | dict.fromkeys(("id", "attempt_id", "promo_id", "reversal_id"), "uuid")
    | dict.fromkeys(("amount", "opening_balance", "promo_amount"), "numeric")
)
"""The parameters that are not text."""


def _function_call(function: str, *parameters: str) -> TextClause:
    """Write the statement that is a call: one function, every parameter cast, so that its signature alone finds it."""
    arguments = ", ".join(f"CAST(:{name} AS {TYPES.get(name, 'text')})" for name in parameters)
    return text(f"SELECT outcome, transaction_id, currency, balance FROM {function}({arguments})")  # noqa: S608 - our names


# A call by itself is one such statement with nothing around it: one round trip, one transaction.
STATEMENTS: dict[type[Call], TextClause] = {
    OpenWallet: _function_call("open_wallet", "user_id", "currency", "opening_balance"),
    OpenWalletByHand: _function_call(
        "open_wallet_by_hand", "user_id", "id", "currency", "opening_balance", "by_whom", "why"
    ),
    Transfer: _function_call("transfer", "user_id", "id", "kind", "currency", "reference", "amount", "sent"),
    Adjust: _function_call(
        "adjust", "user_id", "id", "kind", "currency", "reference", "amount", "by_whom", "why", "sent"
    ),
    SetPlayerState: _function_call("set_player_state", "user_id", "id", "state", "by_whom", "why"),
    DecideReview: _function_call(
        "decide_review",
        *("user_id", "id", "reversal_id", "round_id", "reason", "reference", "decision", "by_whom", "why", "sent"),
    ),
    QueueReview: _function_call("queue_review", "user_id", "currency", "round_id", "reason", "reference"),
    RequestCancellation: _function_call(
        "request_cancellation", "user_id", "id", "round_id", "game_id", "by_whom", "why", "patience"
    ),
    AnswerCancellation: _function_call(
        "answer_cancellation", "user_id", "attempt_id", "answer", "code", "message", "patience"
    ),
    Check: _function_call("check_wallet", "user_id", "currency", "sent"),
    SessionExpired: _function_call("session_expired", "user_id", "sent"),
    Balance: _function_call("balance", "user_id", "currency", "sent"),
    Bet: _function_call(
        "bet", "user_id", "id", "currency", "round_id", "game_id", "reference", "amount", "bonus_code", "sent"
    ),
    Result: _function_call(
        "result",
        *("user_id", "id", "promo_id", "currency", "round_id", "game_id", "reference", "amount", "bonus_code"),
        *("promo_amount", "promo_reference", "sent"),
    ),
    EndRound: _function_call("end_round", "user_id", "currency", "round_id", "sent"),
    Cancel: _function_call("cancel", "user_id", "id", "currency", "round_id", "reference", "sent"),
    Refund: _function_call(
        "refund",
        *("user_id", "id", "reversal_id", "currency", "round_id", "game_id", "reference", "amount", "reverse", "sent"),
    ),
    Win: _function_call(
        "win", "user_id", "id", "kind", "currency", "round_id", "reference", "amount", "bonus_code", "sent"
    ),
}
FIELDS = {kind: tuple(item.name for item in fields(kind)) for kind in STATEMENTS}

RETRIED = (errors.SerializationFailure, errors.DeadlockDetected)
"""Lost a race and left nothing behind."""
ATTEMPTS = 4
RETRY_WITHIN_S = 1.0

# The database is away, or busy beyond our patience. Any other error of the driver is a mistake of ours, and stays one.
UNAVAILABLE = (errors.OperationalError, errors.InterfaceError, errors.ReadOnlySqlTransaction)
ONE_PLAYER_S = (errors.LockNotAvailable, errors.QueryCanceled)
"""The player's wallets are locked, or what the call does takes long; the database itself answers."""
BEGIN_WITHIN_S = 1.5
"""A call that has waited longer is not begun by itself: with the statement's own time, nobody would wait for it."""


class LedgerUnavailableError(Exception):
    """The call could not be carried out now. Whether it took effect is not known; it may be sent again (rule 17)."""


class Ledger:
    """Applies calls to the money in one PostgreSQL database. Safe to share between threads."""

    def __init__(self, engine: Engine, *, reverse_settled: bool = False, calls_together: int = 1) -> None:
        """Use the engine's database.

        With ``reverse_settled``, a refund takes back a settled round's wins (rule 4). Of the wallet calls that wait at
        the same time, at most ``calls_together`` are applied by one statement.
        """
        self._engine = engine
        self._reverse_settled = reverse_settled
        self._breaker = Breaker()
        self._groups = CallGroups(engine, self._breaker, calls_together) if calls_together > 1 else None
        # Calls by themselves leave the groups their connection, if there is more than one, however long they wait.
        connections = engine.pool.size()  # type: ignore[attr-defined]
        self._alone = BoundedSemaphore(max(1, connections - GROUPS_AT_ONCE) if self._groups else connections)

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn to be applied together."""
        return self._groups.waiting if self._groups else 0

    def apply(self, call: Call) -> Receipt:
        """Apply one call and say how it ended. When this returns, the effect is durable.

        Raises:
            LedgerUnavailableError: the database could not be reached or did not finish in time.

        """
        begin_by = monotonic() + BEGIN_WITHIN_S
        values = {name: getattr(call, name) for name in FIELDS[type(call)]}
        values |= {"id": uuid7(), "promo_id": uuid7(), "reversal_id": uuid7(), "reverse": self._reverse_settled}
        if self._groups and not self._breaker.resting(call.user_id):
            try:
                receipt = self._groups.apply(call, values)
            except WaitedTooLongError as error:
                raise LedgerUnavailableError("too many calls wait") from error
            if receipt:
                return receipt
        self._check_rest(call)
        patience = begin_by - monotonic()
        if patience <= 0 or not self._alone.acquire(timeout=patience):
            raise LedgerUnavailableError("no database connection is free in time")
        try:
            return self._apply_alone(call, values)
        finally:
            self._alone.release()

    def _check_rest(self, call: Call) -> None:
        if self._breaker.resting(call.user_id):
            raise LedgerUnavailableError("the database did not answer a moment ago")

    def _apply_alone(self, call: Call, values: dict[str, Any]) -> Receipt:
        started = monotonic()
        for attempt in count(1):
            self._check_rest(call)  # others may have waited in vain meanwhile
            try:
                with self._engine.connect() as connection:
                    return receipt_of(connection.execute(STATEMENTS[type(call)], values).one())
            except PoolTimeoutError as error:
                raise LedgerUnavailableError("no database connection is free") from error
            except DBAPIError as error:
                waited = monotonic() - started
                if isinstance(error.orig, RETRIED) and attempt < ATTEMPTS and waited < RETRY_WITHIN_S:
                    continue
                if not isinstance(error.orig, (*UNAVAILABLE, *RETRIED)):
                    raise
                if waited > IN_VAIN_AFTER_S:
                    self._breaker.trip(call.user_id if isinstance(error.orig, ONE_PLAYER_S) else None)
                raise LedgerUnavailableError(str(error.orig).partition("\n")[0]) from error
        raise AssertionError  # count() does not end; without this line mypy would expect a receipt here
