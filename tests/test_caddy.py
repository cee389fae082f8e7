"""The real Caddy, with the Caddyfile that is deployed, in front of a real wallet."""

import http.client
import os
import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.admin.conftest import SECRET_KEY
from tests.conftest import SECRETS, Service, free_port

pytestmark = pytest.mark.skipif(
    shutil.which("caddy") is None and not os.environ.get("CI"), reason="needs Caddy: apt-get install caddy"
)
CADDYFILE = (Path(__file__).parent.parent / "deploy" / "Caddyfile").read_text()
PATIENCE_S = 60
PROXY, STRANGER, ALLOWED = "127.0.0.1", "127.0.0.3", "127.0.0.4"
RIGHT, WRONG = 0, 54
SETTINGS = {
    "WALLET_ALLOWED_NETWORKS": ALLOWED,
    "WALLET_TRUSTED_PROXIES": PROXY,
    "WALLET_ADMIN_SECRET_KEY": SECRET_KEY,
    "WALLET_OPERATOR_TOKEN": "platform-token",
}


@dataclass
class Site:
    """A wallet behind Caddy: the ports of the wallet's TLS and the desk's, and what Caddy logged."""

    service: Service
    port: int
    desk_port: int
    authority: ssl.SSLContext
    log: Path

    def get(self, path, port=None, **headers):
        with httpx.Client(verify=self.authority, timeout=30) as client:
            return client.get(f"https://localhost:{port or self.desk_port}{path}", headers=headers)

    def ask(self, user_id, address, **headers):
        """Ask for a player's balance from an address; return the error's code, or the status where there is none."""
        body = {"providerId": "LM", "userId": user_id, "currency": "USD", "sessionId": "s", "uuid": "u"}
        transport = httpx.HTTPTransport(verify=self.authority, local_address=address)
        with httpx.Client(transport=transport, timeout=30) as client:
            answer = client.post(
                f"https://localhost:{self.port}/v4/Balance?authToken={SECRETS['WALLET_PARTNER_TOKEN']}",
                json=body,
                headers={name.replace("__", "-"): value for name, value in headers.items()},
            )
        return answer.json()["error"] if answer.status_code == httpx.codes.OK else answer.status_code


def authority_of(folder, caddy):
    """Return what trusts the certificates of this Caddy, once it has made its authority."""
    root = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    give_up_at = monotonic() + PATIENCE_S
    while True:
        assert caddy.poll() is None
        assert monotonic() < give_up_at
        try:
            return ssl.create_default_context(cafile=root)
        except (FileNotFoundError, ssl.SSLError):  # there is none yet, or half of it
            continue


def await_tls(port, authority):
    give_up_at = monotonic() + PATIENCE_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)) as raw:
                authority.wrap_socket(raw, server_hostname="localhost").close()
        except OSError:
            assert monotonic() < give_up_at
        else:
            return


@pytest.fixture(scope="module")
def site(database_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("caddy")
    port, desk_port, inner_desk_port = free_port(), free_port(), free_port()
    service = Service(database_url, WALLET_ADMIN_PORT=str(inner_desk_port), WALLET_LOG_LEVEL="WARNING", **SETTINGS)
    text = CADDYFILE
    for deployed, times, here in (
        ("wallet 8080", 2, f"127.0.0.1 {service.port}"),
        ("wallet 8081", 1, f"127.0.0.1 {inner_desk_port}"),
        ("https://{$SITE_HOST} {", 1, f"https://{{$SITE_HOST}}:{port} {{"),
        ("https://{$SITE_HOST}:8443 {", 1, f"https://{{$SITE_HOST}}:{desk_port} {{"),
    ):
        assert text.count(deployed) == times
        text = text.replace(deployed, here)
    (folder / "Caddyfile").write_text(text)
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    environment |= {"SITE_HOST": "localhost", "SITE_TLS": "internal"}
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, env=environment, stderr=log) as caddy:
        try:
            authority = authority_of(folder, caddy)
            for one in (port, desk_port):
                await_tls(one, authority)
            yield Site(service, port, desk_port, authority, folder / "log")
        finally:
            caddy.terminate()
            caddy.wait(30)
            service.stop()


def test_the_file_is_as_caddy_would_write_it():
    formatted = subprocess.run(["caddy", "fmt", "-"], input=CADDYFILE, capture_output=True, text=True)
    assert formatted.stdout == CADDYFILE, formatted.stderr


@pytest.mark.parametrize(
    ("address", "headers", "answer"),
    [
        (ALLOWED, {}, RIGHT),
        (STRANGER, {}, WRONG),
        (STRANGER, {"X__Forwarded__For": ALLOWED}, WRONG),
        (STRANGER, {"X_Forwarded_For": ALLOWED}, WRONG),
        (STRANGER, {"X_Forwarded__For": ALLOWED, "X__Forwarded__For": ALLOWED}, WRONG),
        (ALLOWED, {"X_Forwarded_For": STRANGER}, RIGHT),
    ],
)
def test_the_wallet_is_told_whose_call_it_is(site, new_player, address, headers, answer):
    assert site.ask(new_player().user_id, address, **headers) == answer


def test_the_platforms_api_is_beside_the_desk_and_not_where_lucky_monaco_calls(site):
    assert site.get("/operator/transactions").status_code == 401
    for path in ("/operator/transactions", "/operator", "/%6fperator/transactions", "//operator/transactions"):
        assert site.get(path, site.port).status_code == 404, path


def test_the_desk_is_on_its_own_port_and_nothing_of_lucky_monacos_is(site):
    page = site.get("/admin/login")
    assert page.status_code == 200
    assert "secure" in page.headers["Set-Cookie"].lower()
    assert site.get("/admin/login", site.port).status_code == 404
    assert site.get("/healthz", site.port).json() == {"status": "ok"}
    for path in ("/metrics", "/readyz", "/v4/Balance"):
        assert site.get(path).status_code == 404, path


@pytest.mark.parametrize(
    "path", ["/admin/../metrics", "/admin/%2e%2e/metrics", "//metrics", "/admin/..%2fmetrics", "/admin//metrics"]
)
def test_no_spelling_of_a_path_leads_to_the_numbers(site, path):
    connection = http.client.HTTPSConnection("localhost", site.desk_port, context=site.authority, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert b"wallet_" not in answer.read()
    assert answer.status in {302, 404}
    connection.close()


def test_who_speaks_in_the_clear_is_not_led_on(site):
    answer = httpx.get(f"http://localhost:{site.port}/v4/Balance?authToken=x")
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)


def test_the_token_is_in_no_line_of_the_log_when_the_wallet_is_away(site, new_player):
    user_id = new_player().user_id
    assert site.ask(user_id, ALLOWED) == RIGHT
    site.service.stop()
    assert site.ask(user_id, ALLOWED, Authorization="Bearer another-token") == 502
    log = site.log.read_text()
    assert '"uri":"/v4/Balance?..."' in log
    assert SECRETS["WALLET_PARTNER_TOKEN"] not in log
    assert "another-token" not in log
