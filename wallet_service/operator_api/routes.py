"""The operator API, at ``/operator``: JSON, a bearer token of its own, and outcomes by their names."""

from collections.abc import Callable
from json import dumps
from time import perf_counter
from typing import Any, Literal

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import ServiceUnavailable

from wallet_service.auth import Credentials
from wallet_service.early_answers import EarlyAnswer
from wallet_service.ledger.calls import Balance, Call, OpenWallet, SetPlayerState, Transfer, TransferKind
from wallet_service.ledger.ledger import Ledger, LedgerUnavailableError
from wallet_service.ledger.money import ZERO, format_money
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.logs import MAX_LOGGED_PATH
from wallet_service.metrics import Metrics
from wallet_service.operator_api.answers import STATUS
from wallet_service.operator_api.schemas import OpenWalletSchema, StateSchema, TransferSchema, WalletSchema
from wallet_service.versions.body import members_as_json
from wallet_service.versions.endpoint import Answer, InvalidRequestError, load_fields, read_json, values_of
from wallet_service.versions.fields import CallSchema

__all__ = ["PREFIX", "UNKNOWN_SENDER", "operator_blueprint"]

PREFIX = "/operator"

log = structlog.get_logger("operator")


def operator_blueprint(
    ledger: Ledger, credentials: Credentials, currencies: frozenset[str], metrics: Metrics
) -> Blueprint:
    """Return the routes, open to whoever has one of the operator's tokens."""
    api = OperatorApi(ledger, credentials, currencies, metrics)
    blueprint = Blueprint("operator", __name__, url_prefix=PREFIX)
    blueprint.post("/wallets")(api.open_wallet)
    blueprint.post("/deposits")(api.deposit)
    blueprint.post("/withdrawals")(api.withdraw)
    blueprint.get("/players/<user_id>/wallets/<currency>")(api.balance)
    blueprint.post("/players/<user_id>/freeze")(api.freeze)
    blueprint.post("/players/<user_id>/unfreeze")(api.unfreeze)
    return blueprint


class OperatorApi:
    """The views, over one ledger."""

    def __init__(self, ledger: Ledger, credentials: Credentials, currencies: frozenset[str], metrics: Metrics) -> None:
        self._metrics = metrics
        self._ledger = ledger
        self._credentials = credentials
        self._currencies = currencies

    def open_wallet(self) -> Response:
        """Open a wallet; with the opening balance that it was opened with before, that is a replay."""

        def make_call() -> Call:
            data = self._load(OpenWalletSchema(), values_of(read_json()))
            return OpenWallet(data["user_id"], data["currency"], data["balance"] or ZERO)

        return self._handle(make_call)

    def deposit(self) -> Response:
        """Put money in, once per reference."""
        return self._transfer("deposit")

    def withdraw(self) -> Response:
        """Take money out, once per reference, never below zero."""
        return self._transfer("withdrawal")

    def balance(self, user_id: str, currency: str) -> Response:
        """Read a balance."""

        def make_call() -> Call:
            data = self._load(WalletSchema(), {"user_id": user_id, "currency": currency})
            return Balance(data["user_id"], data["currency"], dumps({"path": request.path}))

        return self._handle(make_call)

    def freeze(self, user_id: str) -> Response:
        """Freeze a player: bets are refused until that is lifted."""
        return self._set_state(user_id, "frozen")

    def unfreeze(self, user_id: str) -> Response:
        """Lift a freeze."""
        return self._set_state(user_id, "active")

    def _transfer(self, kind: TransferKind) -> Response:
        def make_call() -> Call:
            members = read_json()
            data = self._load(TransferSchema(), values_of(members))
            sent = members_as_json(members, without=frozenset())
            return Transfer(data["user_id"], kind, data["currency"], data["reference"], data["amount"], sent)

        return self._handle(make_call)

    def _set_state(self, user_id: str, state: Literal["active", "frozen"]) -> Response:
        def make_call() -> Call:
            data = self._load(StateSchema(), {**values_of(read_json()), "user_id": user_id})
            return SetPlayerState(data["user_id"], state, by_whom=data["by"], why=data["reason"])

        return self._handle(make_call)

    def _load(self, schema: CallSchema, values: dict[str, Any]) -> dict[str, Any]:
        data = load_fields(schema, values)
        if "currency" in data and data["currency"] not in self._currencies:
            raise InvalidRequestError(Outcome.CURRENCY_UNKNOWN, "currency")
        return data

    def _handle(self, make_call: Callable[[], Call]) -> Response:
        started = perf_counter()
        field = None
        try:
            check_token(self._credentials)
            receipt = self._ledger.apply(make_call())
        except InvalidRequestError as error:
            receipt, field = Receipt(error.outcome), error.field
            if error.outcome is Outcome.CREDENTIALS_WRONG and not self._credentials.count_failure(request):
                self._metrics.turned_away("unknown_sender")
                return answer(receipt, field)
        except (LedgerUnavailableError, ServiceUnavailable):
            receipt = Receipt(Outcome.UNAVAILABLE)
        seconds = perf_counter() - started
        self._metrics.call("operator", str(request.endpoint).rpartition(".")[2], receipt.outcome.value, seconds)
        log.info(
            "operator call",
            path=request.path[:MAX_LOGGED_PATH],
            outcome=receipt.outcome.value,
            field=field,
            id=str(receipt.transaction_id) if receipt.transaction_id else None,
            duration_ms=round(seconds * 1000, 3),
        )
        return answer(receipt, field)


def check_token(credentials: Credentials) -> None:
    """Check the request's bearer token.

    Raises:
        InvalidRequestError: it is missing or wrong.

    """
    if not credentials.operator_token_valid(request.headers.get("Authorization", "")):
        raise InvalidRequestError(Outcome.CREDENTIALS_WRONG)


def answer(receipt: Receipt, field: str | None) -> Response:
    """Answer with a receipt; the field is the one that an input error is about."""
    return Response(_body(receipt, field), STATUS[receipt.outcome], mimetype="application/json")


def _body(receipt: Receipt, field: str | None) -> str:
    """Write the outcome by its name and, where they are known, transaction, currency and balance."""
    facts = {
        "outcome": receipt.outcome.value,
        "field": field,
        "transaction_id": str(receipt.transaction_id) if receipt.transaction_id else None,
        "currency": receipt.currency,
        "balance": None if receipt.balance is None else format_money(receipt.balance),
    }
    return dumps({name: value for name, value in facts.items() if value is not None})


UNKNOWN_SENDER = EarlyAnswer(Answer(STATUS[Outcome.CREDENTIALS_WRONG], _body(Receipt(Outcome.CREDENTIALS_WRONG), None)))
"""What a request is answered without being read whose credentials are wrong."""
