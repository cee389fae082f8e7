"""Secrets are replaced while calls come in: both are accepted for a while, then the new one, and no call is lost."""

import json
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic, sleep

import httpx
import psutil
import pytest

from tests.conftest import Service, signed
from tests.stand import http
from wallet_service.admin.app import create_desk
from wallet_service.admin.asking import Asking
from wallet_service.renewal import RENEWALS
from wallet_service.settings import Settings

PATIENCE_S = 60
NAMES = ("partner_token", "hash_secret", "operator_token")


class Rotating:
    """A wallet of two workers whose secrets are in files, and what a caller sends."""

    def __init__(self, database_url, folder):
        self.folder = folder
        self.write("old")
        self.log = folder / "log"
        files = {f"WALLET_{name.upper()}_FILE": str(folder / name) for name in NAMES}
        with self.log.open("w") as log:
            unset = {"WALLET_PARTNER_TOKEN": "", "WALLET_HASH_SECRET": ""}
            self.service = Service(database_url, log, workers="2", **unset, **files)
        self.sent = "old"
        self.stopping = Event()

    def write(self, value):
        """Put new secrets into the files, as it is done by hand or by an orchestrator: each file whole."""
        for name in NAMES:
            text = ",".join(f"{name}-{part}" for part in value.split(",")) if value else ""
            (self.folder / "next").write_text(f"{text}\n")
            (self.folder / "next").rename(self.folder / name)

    def await_lines(self, words, number):
        """Wait until so many lines of the log have the words."""
        give_up_at = monotonic() + PATIENCE_S
        while monotonic() < give_up_at:
            lines = [line for line in self.log.read_text().splitlines() if words in line]
            if len(lines) >= number:
                return [json.loads(line) for line in lines]
            sleep(0.02)
        raise AssertionError(self.log.read_text()[-2000:])

    def renew(self, value):
        """Replace the secrets, and wait until both workers have read them."""
        read = self.log.read_text().count('"secrets read"')
        self.write(value)
        self.service.process.send_signal(signal.SIGHUP)
        return {line["process"] for line in self.await_lines('"secrets read"', read + 2)[read:]}

    def ask(self, client, user_id, sent, version):
        """Send a Balance, or read it as the operator's platform; return whether it was taken, or what came instead."""
        if version == "operator":
            headers = {"Authorization": f"Bearer operator_token-{sent}"}
            return client.get(f"/operator/players/{user_id}/wallets/USD", headers=headers).json()["outcome"]
        body = {"providerId": "LM", "userId": user_id}
        if version == "v4":
            body |= {"currency": "USD", "sessionId": "s", "uuid": "u"}
        body["hash"] = signed(body, f"hash_secret-{sent}")
        error = client.post(f"/{version}/Balance?authToken=partner_token-{sent}", json=body).json()["error"]
        return error["code"] if isinstance(error, dict) else error

    def load(self, user_id, version, *, fresh):
        """Call again and again until told to stop; return how often, and all answers there were."""
        number, answers, seen = 0, set(), set()
        limits = httpx.Limits(max_keepalive_connections=0) if fresh else httpx.Limits()
        with httpx.Client(base_url=self.service.http.base_url, timeout=30, limits=limits) as client:
            while not self.stopping.is_set() or "new" not in seen:
                sent = self.sent
                seen.add(sent)
                answers.add(self.ask(client, user_id, sent, version))
                number += 1
        return number, answers

    def answers(self, user_id, sent):
        """Return all answers on a number of connections, which the system spreads over the workers."""
        found = set()
        for version in ("v4", "V4", "operator"):
            for _ in range(12):
                with httpx.Client(base_url=self.service.http.base_url, timeout=30) as client:
                    found.add(self.ask(client, user_id, sent, version))
        return found


@pytest.fixture
def rotating(database_url, tmp_path):
    rotating = Rotating(database_url, tmp_path)
    yield rotating
    rotating.stopping.set()
    rotating.sent = "new"
    rotating.service.stop()


RIGHT = {0, "applied"}
RESEND = {998, "G.998", "unavailable"}
"""What a call is answered on a machine that is too slow for it, whatever its credentials."""
WRONG = {54, "G.54", "credentials_wrong"}


def test_secrets_are_replaced_under_load_without_a_call_lost_or_refused(rotating, player):
    before = {child.pid for child in psutil.Process(rotating.service.process.pid).children()}
    kinds = [(version, fresh) for version in ("v4", "V4", "operator") for fresh in (False, True)]
    with ThreadPoolExecutor(len(kinds)) as pool:
        calls = [pool.submit(rotating.load, player.user_id, version, fresh=fresh) for version, fresh in kinds]
        both = rotating.renew("new,old")
        rotating.sent = "new"
        sleep(0.5)  # Lucky Monaco's calls that were on their way with the old one are over
        new = rotating.renew("new")
        rotating.stopping.set()
        results = [call.result(PATIENCE_S) for call in calls]
    assert len(both) == 2
    assert new == both, "the workers are those that they were"
    assert {child.pid for child in psutil.Process(rotating.service.process.pid).children()} == before
    assert all(number > 5 for number, _ in results), results
    assert RIGHT <= set().union(*(answers for _, answers in results)) <= RIGHT | RESEND
    assert rotating.answers(player.user_id, "old") == WRONG
    assert rotating.answers(player.user_id, "new") == RIGHT


def listeners(rotating):
    return [
        connection
        for child in psutil.Process(rotating.service.process.pid).children()
        for connection in child.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]


def test_wrong_secrets_change_nothing_and_a_worker_that_is_started_later_has_those_of_today(rotating, player):
    for child in psutil.Process(rotating.service.process.pid).children():
        child.send_signal(signal.SIGHUP)
    for _ in range(20):
        rotating.service.process.send_signal(signal.SIGHUP)  # while workers may still be starting, which ends none
    rotating.await_lines('"secrets read"', 1)
    rotating.write("")
    rotating.service.process.send_signal(signal.SIGHUP)
    line = rotating.await_lines("secrets not renewed", 1)[0]
    assert line["level"] == "error"
    assert re.fullmatch(r"WALLET_\w+_FILE must name a file that holds the value, in one line", line["reason"])
    assert rotating.answers(player.user_id, "old") == RIGHT

    one, _ = rotating.renew("new")
    psutil.Process(one).kill()
    give_up_at = monotonic() + PATIENCE_S
    while monotonic() < give_up_at:
        try:
            if rotating.answers(player.user_id, "new") == RIGHT and len(listeners(rotating)) == 2:
                break
        except httpx.TransportError:  # on a connection of the one that was killed
            sleep(0.02)
    else:
        raise AssertionError("no worker came for the one that was killed")
    assert rotating.answers(player.user_id, "new") == RIGHT
    assert rotating.answers(player.user_id, "old") == WRONG
    assert one not in rotating.renew("newer")


def test_what_is_sent_to_lucky_monaco_and_signs_sessions_is_renewed_too(stand, player):
    def settings(value):
        return Settings(
            partner_id="op",
            partner_token=("taken",),
            hash_secret=("taken",),
            admin_secret_key=value * 16,
            lucky_monaco_url=stand.url,
            lucky_monaco_token=value,
        )

    asking = Asking(settings("old"), player.ledger)
    stand.will(*[http(200, {"error": 0, "description": "Success"}, "Connection: close")] * 2)
    for value in ("old", "new"):
        player.bet("1", round_id=value, reference=value)
        asking.renew(settings(value))
        asking.canceller.ask(player.user_id, value, "g1", by_whom="test", why="to see")
    assert [body["token"] for body in stand.bodies] == ["old", "new"]

    desk = create_desk(settings("old"), player.ledger, player.engine, player.engine)
    for renew in desk.extensions[RENEWALS]:
        renew(settings("new"))
    assert desk.secret_key == "new" * 16
