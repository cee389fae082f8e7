"""The document as a whole: its paths, who may ask, and what every path has in common."""

from importlib.metadata import version as installed_version
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from wallet_service.ledger.outcomes import Outcome
from wallet_service.openapi.answers import answer, operator_answers, v4_02_answers, v4_answers
from wallet_service.openapi.examples import EXAMPLE_SECRET, answer_example, request_example
from wallet_service.openapi.fields import wire_field_schema
from wallet_service.operator_api import routes as operator
from wallet_service.operator_api.schemas import OpenWalletSchema, StateSchema, TransferSchema
from wallet_service.versions.endpoint import Method, Version

__all__ = ["PATH", "openapi_document"]

PATH = "/openapi.json"
DESCRIPTION = f"""\
The operator's side of Lucky Monaco's remote wallet. An unknown path is answered 404, another method 405, with
`{{"error": 57, "description": "…"}}` or, under `/V4`, `{{"error": {{"code": "V.57", "message": "…"}}}}`; what is no
HTTP request at all, or has a head over 32 KiB, gets 400, 414 or 431 without a body. `userid`, `roundid` and `timeStamp`
are taken as second spellings of `userId`, `roundId` and `timestamp`, and further fields are kept. The name of a call
may be in any letter case. Hashes in the examples are made with the secret `{EXAMPLE_SECRET}`.
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
TRANSFERS = {"deposits": "Put money in, once per reference.", "withdrawals": "Take money out, once per reference."}
STATES = {"freeze": "Refuse a player's bets.", "unfreeze": "Take a player's bets again."}


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
    plugin.converter.add_attribute_function(wire_field_schema)  # type: ignore[union-attr]
    for name, scheme in SECURITY_SCHEMES.items():
        if with_operator or name != "operatorToken":
            spec.components.security_scheme(name, scheme)
    for version in versions:
        for method in version.methods:
            spec.path(f"{version.prefix}/{method.name}", operations={"post": _wallet_call(spec, version, method)})
    if with_operator:
        _operator_paths(spec)
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
    body = _fields(spec, method.schema)
    body["properties"] |= {"hash": HASH}
    if version.hash_required:
        body["required"] = [*body["required"], "hash"]
    success = answer_example(version, method, Outcome.APPLIED)
    # The prefix of v4.02 is a setting, its name is not.
    answers = v4_answers(method, success) if version.hash_required else v4_02_answers(method, success)
    return {
        "summary": f"{method.name} ({version.name})",
        "operationId": f"{version.name} {method.name}",
        "tags": [version.name],
        "security": LUCKY_MONACO,
        "requestBody": _body(body, request_example(method.schema.fields, hashed=version.hash_required)),
        "responses": answers,
    }


def _operator_paths(spec: APISpec) -> None:
    add = _OperatorPath(spec)
    add("post", "/wallets", "Open a wallet, and the player with the first one.", OpenWalletSchema())
    for name, summary in TRANSFERS.items():
        add("post", f"/{name}", summary, TransferSchema())
    for name, summary in STATES.items():
        add("post", f"/players/{{user_id}}/{name}", summary, StateSchema(exclude=["user_id"]))
    add("get", "/players/{user_id}/wallets/{currency}", "Read a balance.")


class _OperatorPath:
    """Adds a path of the operator's API."""

    def __init__(self, spec: APISpec) -> None:
        self._spec = spec
        self._answers = operator_answers()

    def __call__(self, method: str, path: str, summary: str, schema: Schema | None = None) -> None:
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        operation: dict[str, Any] = {
            "summary": summary,
            "tags": ["operator"],
            "security": [{"operatorToken": []}],
            "parameters": [
                {"in": "path", "name": name, "required": True, "schema": {"type": "string", "minLength": 1}}
                for name in names
            ],
            "responses": self._answers,
        }
        if schema:
            operation["requestBody"] = _body(_fields(self._spec, schema), request_example(schema.fields, hashed=False))
        self._spec.path(f"{operator.PREFIX}{path}", operations={method: operation})


def _fields(spec: APISpec, schema: Schema) -> dict[str, Any]:
    [plugin] = spec.plugins
    assert isinstance(plugin, MarshmallowPlugin)  # noqa: S101 - the only one
    assert plugin.converter  # noqa: S101 - made with the document
    fields: dict[str, Any] = plugin.converter.schema2jsonschema(schema)  # type: ignore[no-untyped-call]
    return fields | {"additionalProperties": True}


def _body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}
