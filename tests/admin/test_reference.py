"""The API reference is the OpenAPI document, as a page."""

import re
from html import unescape

import pytest

from tests.conftest import SECRETS
from tests.openapi.documents import DOCUMENT
from wallet_service.admin.roles import Role

OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if operation["tags"] != ["operator"]  # the desk of these tests has no operator's token, and so not its API
}


@pytest.fixture
def page(logged_in):
    return logged_in(Role.VIEWER).get("/reference").text


def test_it_has_every_request_of_the_document_and_no_other(page):
    articles = re.findall(r"<h3[^>]* id=\"([^\"]+)\">([^<]+)</h3>", page)
    assert [unescape(name) for _, name in articles] == list(OPERATIONS)
    anchors = [anchor for anchor, _ in articles]
    assert len(set(anchors)) == len(anchors)
    assert re.findall(r"href=\"#([^\"]+)\">(?:GET|POST)", page) == anchors


def test_each_command_and_answer_is_the_documents(page):
    """These are run in ``tests/openapi/test_examples.py``."""
    shown = [unescape(text) for text in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)]
    commands = [sample["source"] for operation in OPERATIONS.values() for sample in operation.get("x-codeSamples", ())]
    assert [text for text in shown if "curl" in text] == commands
    assert len(shown) == 2 * len(commands)


def test_each_field_is_told(page):
    text = unescape(page)
    for operation in OPERATIONS.values():
        for medium in operation.get("requestBody", {"content": {}})["content"].values():
            assert all(f'<td class="id">{name}</td>' in text for name in medium["schema"]["properties"])
    assert "Text of 1 to 32 characters." in text


def test_it_holds_no_secret(page):
    for secret in SECRETS.values():
        assert secret not in page


def test_it_is_data_too_and_the_overview_leads_to_it(logged_in):
    visitor = logged_in(Role.VIEWER)
    assert 'href="/admin/reference"' in visitor.get("/").text
    told = visitor.get("/reference.json").json()
    assert [operation["name"] for section in told["sections"].values() for operation in section] == list(OPERATIONS)
