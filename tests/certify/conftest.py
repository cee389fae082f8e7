"""A wallet to try. It is no other test's: the tries send wrong credentials, and who sends too many is refused early."""

import pytest

from tests.conftest import Service


@pytest.fixture(scope="module")
def service(database_url):
    service = Service(database_url)
    yield service
    service.stop()
