"""Lists as files: few at once, whole or marked as not whole, and each place free again when its reader is gone."""

import csv
import io
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest
from sqlalchemy import make_url, text

from tests.admin.conftest import SECRET_KEY
from tests.conftest import ENVIRONMENT, WALLET_SERVICE, Service, as_owner, as_reader, database_settings
from wallet_service.admin import downloads, export
from wallet_service.admin.api_tokens import ApiTokens
from wallet_service.admin.downloads import MAX_DOWNLOADS, Downloads, TooManyDownloadsError
from wallet_service.admin.export import INCOMPLETE
from wallet_service.admin.filters import read_filters
from wallet_service.admin.lists import LISTINGS
from wallet_service.admin.roles import Role
from wallet_service.database import create_desk_engine
from wallet_service.embedded_roles import OWNER_LOGIN, SERVICE_LOGIN
from wallet_service.schema import migrate

NOW = datetime.now(UTC)
MONTH = f"/transactions.csv?from={NOW - timedelta(days=30):%Y-%m-%dT%H:%MZ}&to={NOW:%Y-%m-%dT%H:%MZ}"
ROWS = 120_000
"""More than what lies between a server and a client that does not read can hold."""


@pytest.fixture(scope="module")
def big(postgres_url, tmp_path_factory) -> Iterator[tuple[Service, str, str]]:
    """A desk over a month of play, its database, and the header that lets a script in."""
    admin = create_desk_engine(postgres_url, 1, read_only=False).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE big OWNER {OWNER_LOGIN}"))
    its_url = make_url(postgres_url).set(database="big", username=SERVICE_LOGIN)
    url = its_url.render_as_string(hide_password=False)
    migrate(as_owner(url))
    numbers = ["--players", "100", "--rounds", str(ROWS // 3), "--transactions", str(ROWS)]
    environment = {**ENVIRONMENT, **database_settings(url)}
    subprocess.run([WALLET_SERVICE, "seed", *numbers], env=environment, check=True, capture_output=True)
    engine = create_desk_engine(url, 1, read_only=False)
    token = ApiTokens(engine).create("exports", Role.VIEWER, by_whom="test", why="to test")
    engine.dispose()
    errors = tmp_path_factory.mktemp("desk") / "log"
    with errors.open("w") as log:
        service = Service(url, log, WALLET_LOG_LEVEL="ERROR", WALLET_ADMIN_SECRET_KEY=SECRET_KEY)
    yield service, f"Bearer {token}", errors
    service.stop()
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE big WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def script(big):
    service, authorization, _ = big
    with httpx.Client(
        base_url=f"http://127.0.0.1:{service.port}/admin", headers={"Authorization": authorization}, timeout=60
    ) as script:
        yield script


@contextmanager
def held(big) -> Iterator[socket.socket]:
    """Ask for a big file and read its head alone."""
    service, authorization, _ = big
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(60)
        client.connect(("127.0.0.1", service.port))
        client.sendall(f"GET /admin{MONTH} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n".encode())
        assert client.recv(12) == b"HTTP/1.1 200"
        yield client


def rest_of(client) -> str:
    """Read until the end of the chunks."""
    received = bytearray()
    while not received.endswith(b"\r\n0\r\n\r\n"):
        part = client.recv(1 << 20)
        assert part, "the answer ends with its last chunk"
        received += part
    return received.decode()


def test_a_big_file_is_whole(script):
    lines = list(csv.DictReader(io.StringIO(script.get(MONTH).text)))
    assert len({line["id"] for line in lines}) == len(lines) > ROWS * 0.9


def test_one_more_than_there_may_be_is_told_to_come_again(big, script):
    with held(big):
        with held(big):
            refused = script.get("/rounds.csv")
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
            assert f"at most {MAX_DOWNLOADS} can be at once" in refused.text
            assert script.get("/rounds.json").status_code == 200, "pages are read meanwhile"
        while (answer := script.get("/rounds.csv")).status_code == 503:
            pass  # until the server has seen that one is gone
        assert answer.status_code == 200


def test_every_place_is_free_again_however_a_download_ends(big, script):
    for _ in range(MAX_DOWNLOADS + 1):
        assert script.head("/rounds.csv").status_code == 200, "of which nothing is read"
        assert script.get("/rounds.csv?state=lost").status_code == 400
        assert script.get("/rounds.csv").status_code == 200
    for _ in range(MAX_DOWNLOADS + 1):
        with held(big):
            pass
        while script.get("/rounds.csv").status_code == 503:
            pass


def test_a_file_that_breaks_off_says_so_in_its_last_line_and_in_the_log(big, script, postgres_url):
    admin = create_desk_engine(postgres_url, 1, read_only=False).execution_options(isolation_level="AUTOCOMMIT")
    with held(big) as client:
        with admin.connect() as connection:
            # Its head is sent before its first lines are read, and it stops where the client's buffers are full.
            while not (
                ended := connection.scalar(
                    text(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                        " WHERE datname = 'big' AND state LIKE 'idle in transaction%' AND query LIKE 'FETCH%'"
                    )
                )
            ):
                pass
        assert ended == 1
        body = rest_of(client)
    admin.dispose()
    last = body.removesuffix("\r\n0\r\n\r\n").rstrip().rpartition("\r\n")[2]
    assert last.startswith("INCOMPLETE: ")
    assert "export incomplete" in big[2].read_text()
    assert script.get("/rounds.csv").status_code == 200, "others go on"


def test_a_newcomer_takes_the_place_of_one_whose_reader_stopped(database_url, player, monkeypatch):
    for number in range(3):
        player.bet("1", round_id=f"r{number}", reference=f"b{number}")
    monkeypatch.setattr(export, "LINES", 1)
    (rounds,) = [item for item in LISTINGS if item.name == "rounds"]
    asked = read_filters(rounds.filters, {"player": player.user_id}, rounds.is_free)
    reads = create_desk_engine(as_reader(database_url), MAX_DOWNLOADS, read_only=True)
    places = Downloads(reads)
    stopped, *others = [places.begin(rounds, asked) for _ in range(MAX_DOWNLOADS)]
    parts = [iter(stopped), *map(iter, others)]
    clock = iter([0.0, downloads.IDLE_TIMEOUT_S / 2])
    for part in parts:
        monkeypatch.setattr(downloads, "monotonic", partial(float, next(clock)))
        next(part)
    with pytest.raises(TooManyDownloadsError):
        places.begin(rounds, asked)
    monkeypatch.setattr(downloads, "monotonic", lambda: float(downloads.IDLE_TIMEOUT_S))
    newcomer = places.begin(rounds, asked)
    assert list(parts[0]) == [INCOMPLETE], "it goes no further"
    stopped.close()
    with pytest.raises(TooManyDownloadsError):
        places.begin(rounds, asked)
    whole = "".join(newcomer)
    assert [f"r{number}" in whole for number in range(3)] == [True] * 3
    assert INCOMPLETE not in whole + "".join(parts[1])
    for download in (newcomer, *others):
        download.close()
    for download in [places.begin(rounds, asked) for _ in range(MAX_DOWNLOADS)]:  # there are connections for as many
        download.close()
    reads.dispose()


def test_the_window_that_applied_is_in_the_file_s_name(script):
    name = script.get("/rounds.csv").headers["content-disposition"]
    found = re.search(r"rounds_(\w+Z)_from-(\d{8}T\d{6}Z)_to-(\d{8}T\d{6}Z)\.csv$", name)
    assert found, name
    start, end = (datetime.strptime(part, "%Y%m%dT%H%M%S%z") for part in found.groups()[1:])
    assert timedelta(hours=24) <= end - start <= timedelta(hours=24, seconds=1)
    assert found[1] == found[3]
    typed = "/rounds.csv?from=2026-01-01T02:00%2B02:00&to=2026-01-03&game=g1"
    assert "_from-20260101T000000Z_to-20260103T000000Z_game-g1.csv" in script.get(typed).headers["content-disposition"]
    free = script.get("/rounds.csv?player=p&to=2026-01-03").headers["content-disposition"]
    assert "from-" not in free
    assert "_to-20260103T000000Z_player-p.csv" in free
