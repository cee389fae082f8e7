"""The API reference: the OpenAPI document as a page, with each example as a command that runs as it stands.

Rendered here, so that it needs no script, no other host and no more of the desk's content policy than any page.
"""

import re
from collections.abc import Iterator
from json import dumps
from typing import Any

from flask import Flask, Response

from wallet_service.admin.pages import show
from wallet_service.openapi.document import openapi_document
from wallet_service.settings import Settings
from wallet_service.versions.v4.routes import v4
from wallet_service.versions.v4_02.routes import v4_02

__all__ = ["reference_routes"]


def reference_routes(app: Flask, settings: Settings) -> None:
    """Add the route."""
    versions = (v4_02(settings.v402_prefix), v4(settings.v4_currency or None))
    document = openapi_document(versions, with_operator=bool(settings.operator_token))
    operations = list(_operations(document))
    data = {
        "version": document["info"]["version"],
        "description": document["info"]["description"].strip().split("\n\n"),
        "sections": {
            tag: [operation for operation in operations if operation["tag"] == tag]
            for tag in dict.fromkeys(operation["tag"] for operation in operations)
        },
    }

    def reference() -> Response:
        return show("reference", data)

    app.add_url_rule("/reference", "reference", reference)
    app.add_url_rule("/reference.json", "reference", reference)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what the page says of each operation, in the document's order."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield {
                "tag": operation["tags"][0],
                "name": f"{method.upper()} {path}",
                "anchor": re.sub("[^A-Za-z0-9]+", "-", f"{method}{path}").strip("-"),
                "summary": operation["summary"],
                "fields": [*_parameters(operation), *_fields(operation)],
                "command": next((sample["source"] for sample in operation.get("x-codeSamples", ())), ""),
                "answer": _example(operation["responses"]["200"]),
                "answers": {status: said["description"] for status, said in operation["responses"].items()},
            }


def _parameters(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for parameter in operation.get("parameters", ()):
        taken = parameter.get("description") or _taken(parameter["schema"])
        yield {"name": parameter["name"], "required": parameter.get("required", False), "taken": taken}


def _fields(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for medium in operation.get("requestBody", {"content": {}})["content"].values():
        schema = medium["schema"]
        for name, field in schema["properties"].items():
            yield {"name": name, "required": name in schema.get("required", ()), "taken": _taken(field)}


def _taken(schema: dict[str, Any]) -> str:
    """Say in a few words what a field takes; the first of several kinds is the one that is sent."""
    first = schema.get("anyOf", [schema])[0]
    if "description" in first:
        return str(first["description"])
    return f"Text of 1 to {first['maxLength']} characters." if "maxLength" in first else "Text."


def _example(answer: dict[str, Any]) -> str:
    [medium] = answer["content"].values()
    example = medium.get("example", "")
    return example if isinstance(example, str) else dumps(example)
