"""Which server a command needs: who acts needs the primary alone, who reports needs the reader's alone."""

import pytest

from tests.chaos.server import command
from tests.conftest import as_reader, free_port


@pytest.fixture
def nobody():
    return f"postgresql://somebody@127.0.0.1:{free_port()}/wallet"


def test_a_wallet_is_opened_while_the_reader_is_away(database_url, nobody):
    opened = command(database_url, "wallet", "open", "reading-elsewhere", "EUR", WALLET_READER_DATABASE_URL=nobody)
    assert (opened.returncode, opened.stderr) == (0, "")
    shown = command(database_url, "wallet", "show", "reading-elsewhere", WALLET_READER_DATABASE_URL=nobody)
    assert (shown.returncode, "Traceback" in shown.stderr) == (2, False)
    assert "connection" in shown.stderr


def test_reports_are_there_while_the_primary_is_away(database_url, nobody):
    listed = command(nobody, "reviews", "list", WALLET_READER_DATABASE_URL=as_reader(database_url))
    assert (listed.returncode, listed.stderr) == (0, "")
    other = {"WALLET_READER_DATABASE_URL": as_reader(database_url)}
    opened = command(nobody, "wallet", "open", "reading-elsewhere-2", "EUR", **other)
    assert (opened.returncode, "Traceback" in opened.stderr) == (2, False)
