"""The document that tests look at: of both versions and the operator's API."""

from wallet_service.openapi.document import openapi_document
from wallet_service.versions.v4.routes import v4
from wallet_service.versions.v4_02.routes import v4_02

__all__ = ["DOCUMENT", "EXAMPLES"]

DOCUMENT = openapi_document((v4_02("/v4"), v4(None)), with_operator=True)
EXAMPLES = {
    path: operation["post"]["requestBody"]["content"]["application/json"]["example"]
    for path, operation in DOCUMENT["paths"].items()
    if "post" in operation
}
"""The example of a request, by its path."""
