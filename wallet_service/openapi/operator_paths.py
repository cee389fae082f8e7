"""The operator's API in the document."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import fields
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from marshmallow import Schema

from wallet_service.ledger.feed import FeedRow
from wallet_service.openapi.answers import NO_CALL, NOT_CALLS, PLAIN_DECIMAL, answer, record
from wallet_service.openapi.commands import operator_command
from wallet_service.openapi.examples import FEED_ROW, VALUES, operator_answer_example, request_example
from wallet_service.openapi.fields import JsonSchema, fields_schema
from wallet_service.operator_api.answers import STATUS
from wallet_service.operator_api.feed import COMPLETE_TO, CSV, DEFAULT_LIMIT, JSON_LINES, MAX_LIMIT, NEXT_CURSOR
from wallet_service.operator_api.feed_text import NAMES, as_csv, as_json_lines
from wallet_service.operator_api.routes import PREFIX
from wallet_service.operator_api.schemas import OpenWalletSchema, StateSchema, TransferSchema

__all__ = ["add_operator_paths"]

NAME: JsonSchema = {"type": "string", "minLength": 1}
CURSOR: JsonSchema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"}
LIMIT: JsonSchema = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
TIME: JsonSchema = {"type": "string", "format": "date-time"}
NUMBER = {"Decimal": {"type": "string", "pattern": PLAIN_DECIMAL.replace("^", "^-?")}, "int": {"type": "integer"}}
ROW = "Transaction"
AFTER = "Go on behind where the last page ended, as its header said. Without it: from the first transaction of all."


def add_operator_paths(spec: APISpec) -> None:
    """Add what the operator's own platform may ask."""
    _add(spec, "post", "/wallets", "Open a wallet, and the player with the first one.", OpenWalletSchema())
    _add(spec, "post", "/deposits", "Put money in, once per reference.", TransferSchema())
    _add(spec, "post", "/withdrawals", "Take money out, once per reference.", TransferSchema())
    for name, summary in (("freeze", "Refuse a player's bets."), ("unfreeze", "Take a player's bets again.")):
        _add(spec, "post", f"/players/{{user_id}}/{name}", summary, StateSchema(exclude=["user_id"]))
    _add(spec, "get", "/players/{user_id}/wallets/{currency}", "Read a balance.")
    spec.components.schema(ROW, _row_schema())
    lines = f"A JSON object in each line, as `#/components/schemas/{ROW}` says."
    _add_feed(spec, "/transactions", "Every transaction once, as JSON lines.", (JSON_LINES, lines, as_json_lines))
    table = "A heading, and a line for each."
    _add_feed(spec, "/transactions.csv", "Every transaction once, as CSV.", (CSV, table, as_csv))


def _add(spec: APISpec, method: str, path: str, summary: str, schema: Schema | None = None) -> None:
    operation = _operation(summary, _answers(operator_answer_example(path)))
    operation["parameters"] = [
        {"in": "path", "name": name, "required": True, "schema": NAME, "example": VALUES[name]}
        for name in (part[1:-1] for part in path.split("/") if part.startswith("{"))
    ]
    body = None
    if schema:
        body = request_example(schema.fields, "", hashed=False)
        media = {"schema": fields_schema(spec, schema), "example": body}
        operation["requestBody"] = {"required": True, "content": {"application/json": media}}
    operation["x-codeSamples"] = [operator_command(f"{PREFIX}{path}".format(**VALUES), body)]
    spec.path(f"{PREFIX}{path}", operations={method: operation})


def _add_feed(
    spec: APISpec, path: str, summary: str, written: tuple[str, str, Callable[[Iterable[FeedRow]], str]]
) -> None:
    media_type, description, write = written
    media = {"schema": {"type": "string", "description": description}, "example": write([FEED_ROW])}
    answers = _answers(None)
    for status in ("404", "409"):
        del answers[status]
    headers = {
        NEXT_CURSOR: {"description": "What to send as `after` next.", "required": True, "schema": CURSOR},
        COMPLETE_TO: {"description": "Every transaction before this time was read.", "schema": TIME},
    }
    answers["200"] = {
        "description": "A page; an empty one where all that there is was read.",
        "headers": headers,
        "content": {media_type: media},
    }
    operation = _operation(summary, answers)
    operation["parameters"] = [
        {"in": "query", "name": "after", "schema": CURSOR, "description": AFTER},
        {"in": "query", "name": "limit", "schema": LIMIT, "description": "The most transactions to return."},
    ]
    operation["x-codeSamples"] = [operator_command(f"{PREFIX}{path}?limit=1", None)]
    spec.path(f"{PREFIX}{path}", operations={"get": operation})


def _operation(summary: str, answers: dict[str, Any]) -> dict[str, Any]:
    return {"summary": summary, "tags": ["operator"], "security": [{"operatorToken": []}], "responses": answers}


def _row_schema() -> JsonSchema:
    """Return what a line of the feed is."""
    properties: dict[str, JsonSchema] = {}
    for name, field in zip(NAMES, fields(FeedRow), strict=True):
        kind, _, optional = getattr(field.type, "__name__", str(field.type)).partition(" | ")
        schema = NUMBER.get(kind.rpartition(".")[2], {"type": "string"})
        properties[name] = {"anyOf": [schema, {"type": "null"}]} if optional else schema
    return record(properties)


def _answers(example: Any) -> dict[str, Any]:
    """Return what is answered, by HTTP status; ``example`` is of the success."""
    outcomes: dict[HTTPStatus, list[str]] = defaultdict(list)
    for outcome, its_status in STATUS.items():
        outcomes[its_status].append(outcome.value)
    responses = {}
    for status in sorted({HTTPStatus(status) for status in (*outcomes, *NOT_CALLS)}):
        told = record(
            {
                "outcome": {"enum": outcomes[status]},
                "field": {"type": "string"},
                "transaction_id": {"type": "string", "format": "uuid"},
                "currency": {"type": "string"},
                "balance": {"type": "string", "pattern": PLAIN_DECIMAL},
            },
            *("field", "transaction_id", "currency", "balance"),
        )
        schemas = [told] * (status in STATUS.values()) + [NO_CALL] * (status in NOT_CALLS)
        shown = example if status is HTTPStatus.OK else None
        responses[str(status.value)] = answer(status.phrase, *schemas, example=shown)
    return responses
