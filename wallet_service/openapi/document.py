"""The document as a whole: its paths, who may ask, and what every path has in common."""

from importlib.metadata import version as installed_version
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from wallet_service.ledger.outcomes import Outcome
from wallet_service.openapi.answers import answer, v4_02_answers, v4_answers
from wallet_service.openapi.commands import call_command
from wallet_service.openapi.examples import EXAMPLE_SECRET, answer_example, request_example
from wallet_service.openapi.fields import fields_schema, wire_field_schema
from wallet_service.openapi.operator_paths import add_operator_paths
from wallet_service.versions.endpoint import Method, Version

__all__ = ["PATH", "openapi_document"]

PATH = "/openapi.json"
DESCRIPTION = f"""\
The operator's side of Lucky Monaco's remote wallet. An unknown path is answered 404, another method 405, with
`{{"error": 57, "description": "…"}}` or, under `/V4`, `{{"error": {{"code": "V.57", "message": "…"}}}}`; what is no
HTTP request at all, or has a head over 32 KiB, gets 400, 414 or 431 without a body. `userid`, `roundid` and `timeStamp`
are taken as second spellings of `userId`, `roundId` and `timestamp`, and further fields are kept. The name of a call
may be in any letter case. Hashes in the examples are made with the secret `{EXAMPLE_SECRET}`.

In each example the player `demo` has 1000.00 USD, and where a round is ended, won or taken back, the bet of its example
was taken before.
"""
LUCKY_MONACO: list[dict[str, list[str]]] = [{"token": []}, {"partner": [], "partnerToken": []}]
SECURITY_SCHEMES = {
    "token": {"type": "apiKey", "in": "query", "name": "authToken", "description": "The token in the URL."},
    "partner": {"type": "apiKey", "in": "query", "name": "MEMB_ID", "description": "The partner id, beside `HASH`."},
    "partnerToken": {"type": "apiKey", "in": "query", "name": "HASH", "description": "The token, beside `MEMB_ID`."},
    "operatorToken": {"type": "http", "scheme": "bearer", "description": "The token of the operator's platform."},
}
HASH = {
    "type": "string",
    "pattern": "^[0-9A-Fa-f]{32}$",
    "description": "MD5 over the other fields, sorted by name, as `name=value` joined by `&`, and the secret.",
}


def openapi_document(versions: tuple[Version, ...], *, with_operator: bool) -> dict[str, Any]:
    """Return the document of a wallet that serves these versions, and the operator's API or not. It has no secret."""
    plugin = MarshmallowPlugin()
    spec = APISpec(
        title="wallet_service",
        version=installed_version("wallet-service"),
        openapi_version="3.1.0",
        plugins=[plugin],
        info={"description": DESCRIPTION},
    )
    plugin.converter.add_attribute_function(wire_field_schema)  # type: ignore[union-attr]  # set with the spec
    for name, scheme in SECURITY_SCHEMES.items():
        if with_operator or name != "operatorToken":
            spec.components.security_scheme(name, scheme)
    for version in versions:
        for method in version.methods:
            spec.path(f"{version.prefix}/{method.name}", operations={"post": _wallet_call(spec, version, method)})
    if with_operator:
        add_operator_paths(spec)
    status = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    for path, summary, others in (
        ("/healthz", "The process is alive.", {}),
        ("/readyz", "It can do its work.", {"503": answer("It cannot, and why.", status)}),
        (PATH, "This document.", {}),
    ):
        schema = {"type": "object"} if path == PATH else status
        responses = {"200": answer("Yes.", schema)} | others
        spec.path(path, operations={"get": {"summary": summary, "tags": ["service"], "responses": responses}})
    document: dict[str, Any] = spec.to_dict()
    return document


def _wallet_call(spec: APISpec, version: Version, method: Method) -> dict[str, Any]:
    body = fields_schema(spec, method.schema)
    body["properties"] |= {"hash": HASH}
    if version.hash_required:
        body["required"] = [*body["required"], "hash"]
    example = request_example(method.schema.fields, method.name, hashed=version.hash_required)
    success = answer_example(version, method, Outcome.APPLIED)
    # The prefix of v4.02 is a setting, its name is not.
    answers = v4_answers(method, success) if version.hash_required else v4_02_answers(method, success)
    return {
        "summary": f"{method.name} ({version.name})",
        "operationId": f"{version.name} {method.name}",
        "tags": [version.name],
        "security": LUCKY_MONACO,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "example": example}}},
        "responses": answers,
        "x-codeSamples": [call_command(f"{version.prefix}/{method.name}", example, hashed=version.hash_required)],
    }
