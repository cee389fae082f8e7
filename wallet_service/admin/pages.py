"""One dictionary, shown as a page or as JSON: whatever a page shows, a script can read."""

from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from json import dumps
from typing import Any
from uuid import UUID

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Form

from wallet_service.ledger.money import format_money

__all__ = ["SUFFIX", "address_of", "as_json", "go_to", "show", "wants_json"]

SUFFIX = ".json"


def wants_json() -> bool:
    """Tell whether the current request is for JSON: by its path's end, or by what it accepts."""
    accepted = request.accept_mimetypes
    return request.path.endswith(SUFFIX) or accepted["application/json"] > accepted["text/html"]


def show(template: str, data: dict[str, Any], status: int = 200) -> Response:
    """Answer with the page of a template or, where that is asked for, with the same data as JSON."""
    if wants_json():
        return Response(as_json(data), status, mimetype="application/json")
    return Response(render_template(f"{template}.html", **data), status, mimetype="text/html")


def address_of(endpoint: str, **values: Any) -> str:
    """Return the address of a page: of its JSON, where the current request's own address ends so."""
    path, mark, query = url_for(endpoint, **values).partition("?")
    if request.path.endswith(SUFFIX):
        path = path.removesuffix(".html") + SUFFIX
    return f"{path}{mark}{query}"


def go_to(endpoint: str, **values: Any) -> AnyResponse:
    """Go on to another page after something was done: as JSON where the form's own address ends so."""
    return redirect(address_of(endpoint, **values), 303)


def as_json(data: Any) -> str:
    """Write data as JSON: amounts as the contract's plain decimals, times in UTC."""
    return dumps(data, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format_money(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Form):
        fields = {field.name: field.data for field in value if field.type not in {"CSRFTokenField", "PasswordField"}}
        return {"fields": fields, "errors": value.errors}
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")
