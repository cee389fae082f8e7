"""What schemathesis makes of the document is answered as the document says, by the real server, in both versions.

A longer search: pytest --hypothesis-profile=thorough tests/openapi
"""

import json
from copy import deepcopy

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks

from tests.conftest import SECRETS, Service
from tests.openapi.documents import DOCUMENT
from wallet_service.auth import body_hash
from wallet_service.versions.body import MalformedBodyError, parse_body

OPERATOR_TOKEN = "platform-token"
EXAMPLES = settings().max_examples // 20
"""Of each operation and each way of making them."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]

schema = schemathesis.openapi.from_dict(deepcopy(DOCUMENT))


@pytest.fixture(scope="module")
def target(database_url):
    service = Service(database_url, WALLET_LOG_LEVEL="ERROR", WALLET_OPERATOR_TOKEN=OPERATOR_TOKEN)
    yield service
    service.stop()


@pytest.fixture(scope="module")
def session():
    with requests.Session() as session:
        yield session


def with_credentials(case):
    """Make a case one of Lucky Monaco's or the operator's own: what comes after the credentials is what is tried."""
    case.headers["Authorization"] = f"Bearer {OPERATOR_TOKEN}"
    if not case.path.startswith("/operator"):
        case.query = {"authToken": SECRETS["WALLET_PARTNER_TOKEN"]}
    if isinstance(case.body, dict) and "hash" in case.body:
        fields = {name: value for name, value in case.body.items() if name != "hash"}
        try:
            members = parse_body(json.dumps(fields).encode())
        except MalformedBodyError:
            return
        hashed = ((name, member.hashed) for name, member in members.items())
        case.body["hash"] = body_hash(hashed, SECRETS["WALLET_HASH_SECRET"], encoded=False, empty_kept=True)


@schema.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_answers_are_as_documented(case, target, session):
    with_credentials(case)
    response = case.call(base_url=f"http://127.0.0.1:{target.port}", session=session)
    if response.status_code == 200 and "/operator/transactions" in case.path:
        assert response.headers["content-type"][0].partition(";")[0] in {"application/x-ndjson", "text/csv"}
    else:
        assert response.headers["content-type"] == ["application/json"], response.text[:500]
    case.validate_response(response, checks=CHECKS)
    assert isinstance(response, Response)
