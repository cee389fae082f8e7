"""The document says what is served, all of it and nothing else, and its examples are true."""

import json
import re

import jsonschema_rs
import pytest

from tests.conftest import SECRETS, Service, signed
from tests.openapi.documents import DOCUMENT, EXAMPLES
from wallet_service.app import create_app
from wallet_service.settings import Settings

OPERATOR_TOKEN = "platform-token"
HTTP_METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def service(database_url):
    service = Service(database_url, WALLET_LOG_LEVEL="WARNING", WALLET_OPERATOR_TOKEN=OPERATOR_TOKEN)
    yield service
    service.stop()


def routes_of(app):
    """Return (method, path) of every route; a name in a path that stands for several calls is written out."""
    found = set()
    for rule in app.url_map.iter_rules():
        calls = re.search(r"<(\w+_method):method>", rule.rule)
        names = app.url_map.converters[calls[1]].regex[4:-1].split("|") if calls else [""]
        path = re.sub(r"<(?!\w+:)(\w+)>", r"{\1}", rule.rule)
        found |= {
            (method.lower(), path.replace(calls[0], name) if calls else path)
            for method in rule.methods - {"HEAD", "OPTIONS"}
            for name in names
        }
    return found


def as_routed(path):
    """Write a call's name as its route has it, which takes any letter case."""
    return re.sub(r"(?i)(?<=^/v[14]/)\w+$", lambda name: name[0].lower(), path)


@pytest.mark.parametrize("with_operator", [True, False])
def test_every_route_is_in_it_and_it_has_no_other(database_url, monkeypatch, with_operator):
    for name, value in {**SECRETS, "WALLET_DATABASE_URL": database_url, "WALLET_V402_PREFIX": "/v1"}.items():
        monkeypatch.setenv(name, value)
    if with_operator:
        monkeypatch.setenv("WALLET_OPERATOR_TOKEN", OPERATOR_TOKEN)
    app = create_app(Settings.load())
    document = app.test_client().get("/openapi.json").get_json()
    documented = {(method, path) for path, item in document["paths"].items() for method in item}
    assert all(method in HTTP_METHODS for method, _ in documented)
    assert {(method, as_routed(path)) for method, path in documented} == routes_of(app)


def test_it_is_served_whole_and_without_a_secret(service):
    response = service.http.get("/openapi.json")
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == json.loads(json.dumps(DOCUMENT))
    for secret in (*SECRETS.values(), OPERATOR_TOKEN):
        assert secret not in response.text


def test_it_is_openapi_3_1_with_schemas_that_are_ones():
    assert DOCUMENT["openapi"] == "3.1.0"

    def schemas(node):
        if isinstance(node, dict):
            if isinstance(node.get("schema"), dict):
                yield node["schema"]
            for inner in node.values():
                yield from schemas(inner)

    for schema in schemas(DOCUMENT):
        jsonschema_rs.validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def media():
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            for content in (operation.get("requestBody"), *operation["responses"].values()):
                for medium in (content or {"content": {}})["content"].values():
                    if "example" in medium:
                        yield pytest.param(medium, id=f"{operation['summary']} {path}")


@pytest.mark.parametrize("media", [*media()])
def test_examples_are_what_their_schemas_say(media):
    jsonschema_rs.validate(media["schema"], media["example"])


def test_the_hashes_of_the_examples_are_right():
    for path, example in EXAMPLES.items():
        if path.startswith("/V4/"):
            fields = {name: value for name, value in example.items() if name != "hash"}
            assert example["hash"] == signed(fields, "testKey")
