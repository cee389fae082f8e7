"""The real Prometheus, configured as it is deployed, asks a real wallet; the dashboard asks only what is told."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx
import pytest
import yaml

from tests.admin.conftest import SECRET_KEY
from tests.conftest import free_port

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "wallet.json").read_text())
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
RULES = [rule["expr"] for rule in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"][0]["rules"]]
NOT_ALWAYS_TOLD = {
    "wallet_calls_turned_away_total",  # there is none yet
    "wallet_refunds_total",
    "wallet_refunded_amount_total",
    "wallet_reconciliation_lag_seconds",
}
PATIENCE_S = 60


@dataclass
class Monitored:
    """A wallet, the port of its desk, and the Prometheus that asks it."""

    desk: str
    http: httpx.Client

    def api(self, path, **parameters):
        answer = self.http.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def await_target(self):
        give_up_at = monotonic() + PATIENCE_S
        while True:
            try:
                targets = self.api("targets")["activeTargets"]
            except (httpx.TransportError, json.JSONDecodeError):  # it begins, and says so in plain text
                targets = []
            if targets and targets[0]["health"] == "up":
                return targets
            assert monotonic() < give_up_at, targets


@pytest.fixture
def monitored(new_service, player, tmp_path):
    port, own_port = free_port(), free_port()
    service = new_service(WALLET_ADMIN_SECRET_KEY=SECRET_KEY, WALLET_ADMIN_PORT=str(port), WALLET_LOG_LEVEL="WARNING")
    body = {"providerId": "LM", "userId": player.user_id, "currency": "USD", "sessionId": "s", "uuid": "u"}
    assert service.v4_02("Balance", body).json()["error"] == 0
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    assert job.pop("dns_sd_configs") == [{"names": ["wallet"], "type": "A", "port": 8081, "refresh_interval": "15s"}]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(PROMETHEUS / name) for name in config["rule_files"]]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(
            [
                "prometheus",
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{own_port}",
            ],
            stderr=log,
        ) as prometheus,
        httpx.Client(base_url=f"http://127.0.0.1:{own_port}", timeout=10) as http,
    ):
        yield Monitored(f"http://127.0.0.1:{port}", http)
        prometheus.terminate()
        prometheus.wait(30)
    assert "level=error" not in (tmp_path / "log").read_text()


def names_in(query):
    return set(re.findall(r"\bwallet_\w+", query))


@pytest.mark.skipif(
    shutil.which("prometheus") is None and not os.environ.get("CI"), reason="needs it: apt-get install prometheus"
)
def test_the_wallet_is_asked_and_the_rules_are_healthy(monitored):
    [target] = monitored.await_target()
    assert target["labels"]["job"] == "wallet"
    assert target["lastError"] == ""
    [group] = monitored.api("rules")["groups"]
    give_up_at = monotonic() + PATIENCE_S
    while any(rule["health"] == "unknown" for rule in group["rules"]):
        assert monotonic() < give_up_at, group
        [group] = monitored.api("rules")["groups"]
    assert [(rule["name"], rule["health"]) for rule in group["rules"] if rule["health"] != "ok"] == []
    told = set(monitored.api("label/__name__/values"))
    exposed = {line.split("{")[0].split()[0] for line in httpx.get(f"{monitored.desk}/metrics").text.splitlines()}
    for query in QUERIES + RULES:
        missing = names_in(query) - told - exposed - NOT_ALWAYS_TOLD
        assert not missing, (query, missing)

    for query in QUERIES:
        monitored.api("query", query=query.replace("$__rate_interval", "1m"))
    calls = monitored.api("query", query='sum(wallet_calls_total{call="Balance", outcome="applied"})')
    assert [float(row["value"][1]) for row in calls["result"]] == [1.0]


def test_the_dashboard_is_one_and_is_found():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]}
    assert len(places) == len(ids)
    [source] = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    for panel in DASHBOARD["panels"]:
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": source["type"], "uid": source["uid"]}
    [provider] = yaml.safe_load((PROVISIONING / "dashboards" / "wallet.yml").read_text())["providers"]
    grafana = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    assert "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in grafana["volumes"]
