"""The operator API, at ``/operator``: JSON, a bearer token of its own, and outcomes by their names."""

from json import dumps
from typing import Any, Literal

from flask import Blueprint, Response, request

from wallet_service.auth import Credentials
from wallet_service.ledger.calls import Balance, Call, OpenWallet, SetPlayerState, Transfer, TransferKind
from wallet_service.ledger.feed import Feed
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.money import ZERO
from wallet_service.ledger.outcomes import Outcome
from wallet_service.metrics import Metrics
from wallet_service.operator_api.feed import FeedApi
from wallet_service.operator_api.handling import Handling
from wallet_service.operator_api.schemas import OpenWalletSchema, StateSchema, TransferSchema, WalletSchema
from wallet_service.versions.body import members_as_json
from wallet_service.versions.endpoint import InvalidRequestError, load_fields, read_json, values_of
from wallet_service.versions.fields import CallSchema

__all__ = ["PREFIX", "operator_blueprint"]

PREFIX = "/operator"


def operator_blueprint(
    ledger: Ledger, feed: Feed, credentials: Credentials, currencies: frozenset[str], metrics: Metrics
) -> Blueprint:
    """Return the routes, open to whoever has one of the operator's tokens."""
    handling = Handling(credentials, metrics)
    api = OperatorApi(ledger, currencies, handling)
    feed_api = FeedApi(feed, handling)
    blueprint = Blueprint("operator", __name__, url_prefix=PREFIX)
    blueprint.post("/wallets")(api.open_wallet)
    blueprint.post("/deposits")(api.deposit)
    blueprint.post("/withdrawals")(api.withdraw)
    blueprint.get("/players/<user_id>/wallets/<currency>")(api.balance)
    blueprint.post("/players/<user_id>/freeze")(api.freeze)
    blueprint.post("/players/<user_id>/unfreeze")(api.unfreeze)
    blueprint.get("/transactions")(feed_api.transactions)
    blueprint.get("/transactions.csv")(feed_api.transactions_csv)
    return blueprint


class OperatorApi:
    """The views, over one ledger."""

    def __init__(self, ledger: Ledger, currencies: frozenset[str], handling: Handling) -> None:
        self._ledger = ledger
        self._currencies = currencies
        self._handling = handling

    def open_wallet(self) -> Response:
        """Open a wallet; with the opening balance that it was opened with before, that is a replay."""

        def make_call() -> Call:
            data = self._load(OpenWalletSchema(), values_of(read_json()))
            return OpenWallet(data["user_id"], data["currency"], data["balance"] or ZERO)

        return self._handling(lambda: self._ledger.apply(make_call()))

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

        return self._handling(lambda: self._ledger.apply(make_call()))

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

        return self._handling(lambda: self._ledger.apply(make_call()))

    def _set_state(self, user_id: str, state: Literal["active", "frozen"]) -> Response:
        def make_call() -> Call:
            data = self._load(StateSchema(), {**values_of(read_json()), "user_id": user_id})
            return SetPlayerState(data["user_id"], state, by_whom=data["by"], why=data["reason"])

        return self._handling(lambda: self._ledger.apply(make_call()))

    def _load(self, schema: CallSchema, values: dict[str, Any]) -> dict[str, Any]:
        data = load_fields(schema, values)
        if "currency" in data and data["currency"] not in self._currencies:
            raise InvalidRequestError(Outcome.CURRENCY_UNKNOWN, "currency")
        return data
