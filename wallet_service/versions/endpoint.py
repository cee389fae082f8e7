"""How a wallet call travels, in either version: credentials, body, fields, ledger, answer, one log line.

The versions differ in what their ``Version`` says; the way is the same, and so is the order of answers (rule 14).
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import structlog
from flask import Blueprint, Response, request
from marshmallow import ValidationError
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    RequestEntityTooLarge,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from werkzeug.routing import BaseConverter

from wallet_service.auth import Credentials
from wallet_service.ledger.calls import WalletCall
from wallet_service.ledger.ledger import Ledger, LedgerUnavailableError
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.metrics import Metrics
from wallet_service.traces import Traces
from wallet_service.versions.body import MalformedBodyError, Member, members_as_json, parse_body
from wallet_service.versions.fields import CallSchema
from wallet_service.versions.requests import ToCall

__all__ = [
    "MAX_BODY_BYTES",
    "Accepted",
    "Answer",
    "InvalidRequestError",
    "Method",
    "Version",
    "load_fields",
    "read_json",
    "values_of",
    "wallet_blueprint",
]

NOT_KEPT = frozenset({"hash", "token", "authtoken"})
"""Credentials in a body, in any letter case; they are stored nowhere."""
MAX_BODY_BYTES = 64 * 1024
MAX_NAMES_LOGGED = 20
MAX_NAME_LENGTH_LOGGED = 64

log = structlog.get_logger("wallet")


@dataclass(frozen=True, slots=True)
class Method:
    """One wallet call of a version: its name in the path, how its body reads, which call that is."""

    name: str
    schema: CallSchema
    to_call: ToCall
    answered: tuple[str, ...]
    """Fields of a success, besides error and description."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of a version, before it is written."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Version:
    """A published version of the contract."""

    name: str
    prefix: str
    methods: tuple[Method, ...]
    hash_required: bool
    currency: str | None
    """The wallet of calls that name no currency; ``None``: the player's only one."""
    answer: Callable[[Method, Receipt, str | None], Answer]
    """Writes the answer to a receipt; the text names the field that an input error is about."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Which providers and currencies this deployment knows."""

    provider_id: str
    """Empty: any."""
    currencies: frozenset[str]

    def check(self, data: dict[str, Any]) -> None:
        """Check a valid request against this deployment.

        Raises:
            InvalidRequestError: it names another provider, an unknown currency, or a promo win without its reference.

        """
        if self.provider_id and data["providerId"] != self.provider_id:
            raise InvalidRequestError(Outcome.INVALID_PARAMETER, "providerId")
        if data.get("promoWinAmount") and not data["promoWinReference"]:
            raise InvalidRequestError(Outcome.EMPTY_FIELD, "promoWinReference")
        if "currency" in data and data["currency"] not in self.currencies:
            raise InvalidRequestError(Outcome.CURRENCY_UNKNOWN, "currency")


class InvalidRequestError(Exception):
    """A request that does not become a call."""

    def __init__(self, outcome: Outcome, field: str | None = None) -> None:
        super().__init__(outcome, field)
        self.outcome = outcome
        self.field = field


def wallet_blueprint(
    version: Version,
    ledger: Ledger,
    credentials: Credentials,
    accepted: Accepted,
    metrics: Metrics,
    traces: Traces | None,
) -> Blueprint:
    """Return the routes of a version's wallet calls, over one ledger."""
    blueprint = Blueprint(f"wallet_{version.prefix.strip('/')}".replace(".", "_"), __name__, url_prefix=version.prefix)
    methods = {method.name.lower(): method for method in version.methods}

    class MethodName(BaseConverter):
        """The method's name in a path, in any letter case."""

        regex = f"(?i:{'|'.join(methods)})"

        def to_python(self, value: str) -> Method:
            """Return the method of that name."""
            return methods[value.lower()]

    def wallet_call(method: Method) -> Response:
        started = perf_counter()
        facts: dict[str, Any] = {"version": version.name, "call": method.name}
        field = None
        try:
            call = read_call(version, method, credentials, accepted, facts)
            receipt = ledger.apply(call)
        except InvalidRequestError as error:
            receipt, field = Receipt(error.outcome), error.field
            if error.outcome is Outcome.CREDENTIALS_WRONG and not credentials.count_failure(request):
                metrics.turned_away("unknown_sender")
                answer = version.answer(method, receipt, field)
                return Response(answer.body, answer.status, content_type="application/json")
        except (LedgerUnavailableError, ServiceUnavailable) as error:
            receipt = Receipt(Outcome.UNAVAILABLE)
            facts["reason"] = str(error)
        answer = version.answer(method, receipt, field)
        seconds = perf_counter() - started
        metrics.call(version.name, method.name, receipt.outcome.value, seconds)
        if traces:
            traces.call(facts, receipt.outcome.value, seconds, request.headers)
        log.info(
            "call",
            **facts,
            outcome=receipt.outcome.value,
            field=field,
            id=str(receipt.transaction_id) if receipt.transaction_id else None,
            duration_ms=round(seconds * 1000, 3),
        )
        return Response(answer.body, answer.status, content_type="application/json")

    def register(state: Any) -> None:
        state.app.url_map.converters[f"{blueprint.name}_method"] = MethodName

    blueprint.record(register)
    blueprint.add_url_rule(
        f"/<{blueprint.name}_method:method>",
        view_func=wallet_call,
        methods=["POST"],
        provide_automatic_options=False,
    )
    return blueprint


def read_call(
    version: Version, method: Method, credentials: Credentials, accepted: Accepted, facts: dict[str, Any]
) -> WalletCall:
    """Read the current request into a call, and what the log shall say of it into ``facts``.

    Raises:
        InvalidRequestError: the sender is not Lucky Monaco, or a field is wrong.
        HTTPException: the request is not a wallet call at all.

    """
    forwarded_for = request.headers.get("X-Forwarded-For")
    if not (
        credentials.network_allowed(request.remote_addr, forwarded_for) and credentials.url_token_valid(request.args)
    ):
        raise InvalidRequestError(Outcome.CREDENTIALS_WRONG)
    members = read_json()
    check_hash(version, credentials, members)

    unknown = method.schema.unknown_names(members.keys() - {"hash"})
    if unknown:
        facts["unknown_fields"] = [name[:MAX_NAME_LENGTH_LOGGED] for name in sorted(unknown)[:MAX_NAMES_LOGGED]]
    data = load_fields(method.schema, values_of(members))
    accepted.check(data)
    for name in ("userId", "roundId", "reference", "uuid"):
        if data.get(name) is not None:
            facts[name] = data[name]
    currency = data.get("currency", version.currency)
    return method.to_call(data, currency, members_as_json(members, without=NOT_KEPT))


def read_json() -> dict[str, Member]:
    """Read the current request's JSON object.

    Raises:
        HTTPException: the request is not JSON, too large, or malformed.

    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Content-Type must be application/json")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed")
    try:
        return parse_body(_read_body())
    except MalformedBodyError as error:
        raise BadRequest(f"The body must be a JSON object: {error}") from error


def _read_body() -> bytes:
    """Read the current request's body. One whose length was told is asked for at once: no stream has to count it.

    Raises:
        HTTPException: it is too large, or did not come whole.

    """
    length = request.content_length
    if length is not None and length <= MAX_BODY_BYTES:
        try:
            body: bytes = request.environ["wsgi.input"].read(length)
        except OSError as error:  # the sender's connection broke
            raise ClientDisconnected from error
        if len(body) < length:
            raise ClientDisconnected("The body is shorter than its Content-Length.")
        return body
    body = request.get_data(cache=False)
    if len(body) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return body


def check_hash(version: Version, credentials: Credentials, members: dict[str, Member]) -> None:
    """Check the body's hash where the version needs one or one was sent.

    Raises:
        InvalidRequestError: it is missing or wrong.

    """
    given = members.get("hash")
    if given is None and not version.hash_required:
        return
    fields = ((name, member.hashed) for name, member in members.items() if name != "hash")
    if given is None or type(given.value) is not str or not credentials.hash_valid(fields, given.value):
        raise InvalidRequestError(Outcome.CREDENTIALS_WRONG)


def values_of(members: dict[str, Member]) -> dict[str, Any]:
    """Return the values of a body's fields by name."""
    return {name: member.value for name, member in members.items()}


def load_fields(schema: CallSchema, values: dict[str, Any]) -> dict[str, Any]:
    """Return a request's fields, read and checked.

    Raises:
        InvalidRequestError: one of them is wrong.

    """
    try:
        return schema.load_values(values)
    except ValidationError as error:
        raise first_error(error) from error


def first_error(error: ValidationError) -> InvalidRequestError:
    """Return the refusal that comes first in the order of ``Outcome`` and, among equals, by the field's name."""
    order = list(Outcome)
    refusals = [(Outcome(message), name) for name, messages in error.messages_dict.items() for message in messages]
    outcome, name = min(refusals, key=lambda refusal: (order.index(refusal[0]), refusal[1]))
    return InvalidRequestError(outcome, name)
