"""The one door to the money: a call goes in, one database function runs, a receipt comes out."""

from dataclasses import fields
from itertools import count
from json import JSONEncoder
from time import monotonic
from typing import Any

import structlog
from psycopg import errors
from sqlalchemy import Engine, Row, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from uuid_utils.compat import uuid7

from wallet_service.ledger.breaker import Breaker
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
from wallet_service.ledger.group_commit import GroupCommit
from wallet_service.ledger.outcomes import Outcome, Receipt

__all__ = ["Ledger", "LedgerUnavailableError"]

log = structlog.get_logger("ledger")

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


# A call is one such statement with nothing around it: one round trip, one transaction.
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
FUNCTIONS: dict[type[Call], str] = {
    Check: "check_wallet",
    SessionExpired: "session_expired",
    Balance: "balance",
    Bet: "bet",
    Result: "result",
    EndRound: "end_round",
    Cancel: "cancel",
    Refund: "refund",
    Win: "win",
}
"""The calls that may share a statement, as apply_calls.sql knows them."""
APPLY_CALLS = text("SELECT place, outcome, transaction_id, currency, balance FROM apply_calls(CAST(:calls AS json))")
GROUPS_AT_ONCE = 1
_encoder = JSONEncoder(default=str)
FIELDS = {kind: tuple(item.name for item in fields(kind)) for kind in STATEMENTS}

RETRIED = (errors.SerializationFailure, errors.DeadlockDetected)
"""Lost a race and left nothing behind."""
ATTEMPTS = 4
RETRY_WITHIN_S = 1.0

# The database is away, or busy beyond our patience. Any other error of the driver is a mistake of ours, and stays one.
UNAVAILABLE = (errors.OperationalError, errors.InterfaceError, errors.ReadOnlySqlTransaction)
IN_VAIN_AFTER_S = 0.9
"""A call that failed faster was refused, not left waiting: whoever comes next need not wait either."""


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
        self._together = calls_together > 1
        self._groups = GroupCommit(self._apply_group, at_most=calls_together, at_once=GROUPS_AT_ONCE)

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn to be applied together."""
        return self._groups.waiting

    def apply(self, call: Call) -> Receipt:
        """Apply one call and say how it ended. When this returns, the effect is durable.

        Raises:
            LedgerUnavailableError: the database could not be reached or did not finish in time.

        """
        values = {name: getattr(call, name) for name in FIELDS[type(call)]}
        values |= {"id": uuid7(), "promo_id": uuid7(), "reversal_id": uuid7(), "reverse": self._reverse_settled}
        if self._together and type(call) in FUNCTIONS and not self._breaker.resting(call.user_id):
            receipt = self._groups.apply((call, values))
            if receipt:
                return receipt
        return self._apply_alone(call, values)

    def _check_rest(self, call: Call) -> None:
        if self._breaker.resting(call.user_id):
            raise LedgerUnavailableError("the database did not answer a moment ago")

    def _apply_group(self, group: list[tuple[Call, dict[str, Any]]]) -> list[Receipt]:
        """Apply calls by one statement; no receipts where that fails, whatever the reason, as then none took effect.

        Should the database have carried it out and its answer be lost, each call by itself finds what it did.
        """
        if self._breaker.resting():
            return []
        calls = [{"function": FUNCTIONS[type(call)], **values} for call, values in group]
        started = monotonic()
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(APPLY_CALLS, {"calls": _encoder.encode(calls)}).all()
        except (PoolTimeoutError, DBAPIError) as error:
            reason = getattr(error, "orig", error)
            if isinstance(reason, (*UNAVAILABLE, PoolTimeoutError)) and monotonic() - started > IN_VAIN_AFTER_S:
                self._breaker.trip(None)
            log.warning("group failed", calls=len(group), reason=type(reason).__name__)
            return []
        receipts = {row.place: _receipt(row) for row in rows}
        return [receipts[place] for place in range(len(group))]

    def _apply_alone(self, call: Call, values: dict[str, Any]) -> Receipt:
        started = monotonic()
        for attempt in count(1):
            self._check_rest(call)
            try:
                with self._engine.connect() as connection:
                    self._check_rest(call)  # others may have waited in vain meanwhile
                    return _receipt(connection.execute(STATEMENTS[type(call)], values).one())
            except PoolTimeoutError as error:
                raise LedgerUnavailableError("no database connection is free") from error
            except DBAPIError as error:
                waited = monotonic() - started
                if isinstance(error.orig, RETRIED) and attempt < ATTEMPTS and waited < RETRY_WITHIN_S:
                    continue
                if not isinstance(error.orig, (*UNAVAILABLE, *RETRIED)):
                    raise
                if waited > IN_VAIN_AFTER_S:
                    self._breaker.trip(call.user_id if isinstance(error.orig, errors.LockNotAvailable) else None)
                raise LedgerUnavailableError(str(error.orig).partition("\n")[0]) from error
        raise AssertionError  # count() does not end; without this line mypy would expect a receipt here


def _receipt(row: Row[Any]) -> Receipt:
    return Receipt(Outcome(row.outcome), row.transaction_id, row.currency, row.balance)
