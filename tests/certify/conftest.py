"""A wallet to try. It is no other test's: the tries send wrong credentials, and who sends too many is refused early."""

import pytest

from tests.conftest import Service


@pytest.fixture(scope="module")
def service(database_url):
    # Its log is not read while it runs: at WARNING it cannot fill the pipe.
    service = Service(database_url, WALLET_LOG_LEVEL="WARNING")
    yield service
    service.stop()
