"""The marshmallow fields of a request as JSON Schema: what is taken, not only what Lucky Monaco sends."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from wallet_service.ledger.money import DIGITS, PLACES
from wallet_service.versions.fields import Amount, Anything, Currency, Identifier, Timestamp, WireField

__all__ = ["JsonSchema", "fields_schema", "wire_field_schema"]

JsonSchema = dict[str, Any]

NAME = r"^[^\u0000-\u001f\u007f-\u009f]*$"


def fields_schema(spec: APISpec, schema: Schema) -> JsonSchema:
    """Return what a body holds. Further fields are taken, too."""
    [plugin] = spec.plugins
    assert isinstance(plugin, MarshmallowPlugin)  # noqa: S101 - the only one
    assert plugin.converter  # noqa: S101 - made with the document
    described: JsonSchema = plugin.converter.schema2jsonschema(schema)  # type: ignore[no-untyped-call]  # apispec has no types here
    return described | {"additionalProperties": True}


def wire_field_schema(_converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> JsonSchema:
    """Return what a field takes; of an optional one, null and the empty string mean that it was not sent."""
    assert isinstance(field, WireField)  # noqa: S101 - the schemas of requests have no others
    taken = [*_taken(field)]
    if not field.required:
        taken += [{"type": "null"}, {"const": ""}]
    return {"anyOf": taken} if taken != [{}] else {"description": "Kept with the request, and not looked into."}


def _taken(field: WireField[Any]) -> list[JsonSchema]:
    match field:
        case Identifier():
            name = {"type": "string", "minLength": 1, "maxLength": field.max_length, "pattern": NAME}
            return [name, {"type": "integer", "description": "Taken as its text."}]
        case Currency():
            return [{"type": "string", "pattern": "^[A-Z0-9]{2,10}$", "description": "ISO 4217, or as set."}]
        case Amount():
            exact = {"description": f"At most {DIGITS} digits before the point and {PLACES} after it, exact."}
            text = {"type": "string", "pattern": r"^\+?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,6})?$"}
            return [text | exact, {"type": "number", "minimum": 0} | exact]
        case Timestamp():
            milliseconds = {"type": "string", "pattern": "^[0-9]{1,20}$", "description": "Unix milliseconds."}
            return [milliseconds, {"type": "integer", "minimum": 0}]
        case Anything():
            return [{}]
        case _:
            raise TypeError(f"{type(field).__name__} has no schema here")
