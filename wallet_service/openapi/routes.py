"""Where the document is served."""

from json import dumps
from typing import Any

from flask import Blueprint, Response

from wallet_service.openapi.document import PATH

__all__ = ["openapi_blueprint"]


def openapi_blueprint(document: dict[str, Any]) -> Blueprint:
    """Return the route of the document, which is written once."""
    blueprint = Blueprint("openapi", __name__)
    written = dumps(document, ensure_ascii=False)

    @blueprint.get(PATH)
    def openapi() -> Response:
        """Return the document."""
        return Response(written, mimetype="application/json")

    return blueprint
