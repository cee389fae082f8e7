"""What is answered, as JSON Schema, from the tables that the answers are written by."""

from collections import defaultdict
from http import HTTPStatus
from typing import Any

from wallet_service.ledger.outcomes import Outcome
from wallet_service.openapi.fields import JsonSchema
from wallet_service.versions.endpoint import Method
from wallet_service.versions.outcome_page import NOT_ON_THE_WIRE
from wallet_service.versions.v4 import answers as v4
from wallet_service.versions.v4_02 import answers as v4_02

__all__ = ["NOT_CALLS", "NO_CALL", "PLAIN_DECIMAL", "answer", "record", "v4_02_answers", "v4_answers"]

ON_THE_WIRE = [outcome for outcome in Outcome if outcome not in NOT_ON_THE_WIRE]
NOT_CALLS = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
"""What a request gets that reaches a call's path and is none: not JSON, over 64 KiB, of another type."""
PLAIN_DECIMAL = r"^[0-9]+\.[0-9]{2,18}$"
FACTS: dict[str, JsonSchema] = {
    "transactionId": {"type": "string", "format": "uuid"},
    "currency": {"type": "string"},
    "cash": {"type": "string", "pattern": PLAIN_DECIMAL},
}
"""Beside error and description."""


def answer(description: str, *schemas: JsonSchema, example: Any = None) -> dict[str, Any]:
    """Return a response that is one of these objects."""
    media: dict[str, Any] = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}}
    if example is not None:
        media["example"] = example
    return {"description": description, "content": {"application/json": media}}


def record(properties: dict[str, JsonSchema], *optional: str) -> JsonSchema:
    """Return an object with these fields and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


NO_CALL = record({"error": {"const": 57}, "description": {"type": "string"}})
"""What is answered to no call at all."""


def v4_02_answers(method: Method, success: Any) -> dict[str, Any]:
    """Return what v4.02 answers to a call, by HTTP status; ``success`` is an example."""
    codes = {v4_02.ANSWERS[outcome][0] for outcome in ON_THE_WIRE} - {0}
    if method.name == "EndRound":
        codes |= {v4_02.UNAVAILABLE_AT_END_ROUND}
    taken = {name: FACTS[name] for name in method.answered}
    taken |= {"error": {"const": 0}, "description": {"const": "Success"}}
    refused = {"currency": FACTS["currency"], "cash": FACTS["cash"]}
    refused |= {"error": {"enum": sorted(codes)}, "description": {"type": "string"}}
    return {
        "200": answer("Taken, or refused.", record(taken), record(refused, "currency", "cash"), example=success)
    } | {str(status.value): answer(status.phrase, NO_CALL) for status in NOT_CALLS}


def v4_answers(method: Method, success: Any) -> dict[str, Any]:
    """Return what V4 answers to a call, by HTTP status; ``success`` is an example."""
    codes: dict[int, set[str]] = defaultdict(set)
    for outcome in ON_THE_WIRE:
        status, code, _ = v4.ANSWERS[outcome]
        codes[status].add(code)
    if method.name == "EndRound":
        codes[HTTPStatus.SERVICE_UNAVAILABLE].add(v4.UNAVAILABLE_AT_END_ROUND)
    for status in NOT_CALLS:
        codes[status].add("V.57")
    del codes[HTTPStatus.OK]
    taken = {name: FACTS[name] for name in method.answered} | (
        {"cash": {"type": "number"}} if "cash" in method.answered else {}
    )
    taken |= {"error": {"const": 0}, "description": {"const": "Success"}}
    return {"200": answer("Taken.", record(taken), example=success)} | {
        str(status): answer(
            HTTPStatus(status).phrase,
            record({"error": record({"code": {"enum": sorted(of_status)}, "message": {"type": "string"}})}),
        )
        for status, of_status in sorted(codes.items())
    }
