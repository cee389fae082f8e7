"""The examples are run as the document shows them, by a shell, and answered as it shows."""

import json
import re
import subprocess

import pytest

from tests.conftest import ENVIRONMENT, SECRETS, Service, as_owner
from tests.openapi.documents import DOCUMENT
from wallet_service.schema import migrate

OPERATOR_TOKEN = "platform-token"
ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile("20[0-9-]{8}T[0-9:.]{15}[+]00:00")
OPERATIONS = {
    path: operation
    for path, item in DOCUMENT["paths"].items()
    for operation in item.values()
    if operation["tags"] != ["service"]
}
FEED = [path for path in OPERATIONS if path.startswith("/operator/transactions")]
AFTER_A_BET = {"Result", "EndRound", "Cancel", "Refund"}


@pytest.fixture(scope="module")
def service(database_url):
    service = Service(database_url, WALLET_LOG_LEVEL="WARNING", WALLET_OPERATOR_TOKEN=OPERATOR_TOKEN)
    yield service
    service.stop()


def run(service, path, player="demo"):
    """Type the example's command, and return what is printed."""
    [sample] = OPERATIONS[path]["x-codeSamples"]
    secrets = {**SECRETS, "WALLET_OPERATOR_TOKEN": OPERATOR_TOKEN, "WALLET": f"http://127.0.0.1:{service.port}"}
    command = ["bash", "-euc", re.sub(r"\bdemo\b", player, sample["source"])]
    result = subprocess.run(command, env={**ENVIRONMENT, **secrets}, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    return result.stdout


def shown(path):
    [medium] = OPERATIONS[path]["responses"]["200"]["content"].values()
    return medium["example"]


def masked(text):
    """Leave out what differs from time to time."""
    return TIME.sub("TIME", ID.sub("ID", text))


def test_every_request_has_an_example_and_an_answer():
    for path, operation in OPERATIONS.items():
        assert operation["x-codeSamples"], path
        assert shown(path), path


@pytest.mark.parametrize("path", [path for path in OPERATIONS if path not in FEED])
def test_an_example_is_answered_as_shown(service, new_player, path):
    player = new_player("1000").user_id
    prefix, _, call = path[1:].partition("/")
    if call in AFTER_A_BET:
        assert json.loads(run(service, f"/{prefix}/Bet", player))["error"] == 0
    answer = run(service, path, f"{player}-new" if path == "/operator/wallets" else player)
    assert json.loads(masked(answer)) == json.loads(masked(json.dumps(shown(path))))


def test_the_feeds_examples_are_answered_as_shown(new_database, new_service):
    url = new_database()
    migrate(as_owner(url))
    service = new_service(url, WALLET_LOG_LEVEL="WARNING", WALLET_OPERATOR_TOKEN=OPERATOR_TOKEN)
    run(service, "/operator/wallets")
    run(service, "/v4/Bet")
    while not run(service, FEED[0]):
        pass  # the newest is held back for some seconds
    for path in FEED:
        assert masked(run(service, path)) == masked(shown(path)).replace("\r\n", "\n")
