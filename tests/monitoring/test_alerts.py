"""The alert rules, by the real promtool: each fires when it should, stays quiet when not, and has its page."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
UNIT_TESTS = Path(__file__).parent / "alerts_test.yml"
ALERTS = {rule["alert"]: rule for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]}
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None and not os.environ.get("CI"), reason="needs promtool: apt-get install prometheus"
)


def promtool(*arguments):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60)


@needs_promtool
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", ROOT / "deploy" / "prometheus" / "prometheus.yml"),
        ("check", "rules", "--lint=all", "--lint-fatal", RULES),
        ("test", "rules", UNIT_TESTS),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_promtool_agrees(arguments):
    result = promtool(*arguments)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_is_tried_firing_and_quiet():
    tried: dict[bool, set[str]] = {True: set(), False: set()}
    for test in yaml.safe_load(UNIT_TESTS.read_text())["tests"]:
        for case in test["alert_rule_test"]:
            tried[bool(case.get("exp_alerts"))].add(case["alertname"])
    assert tried == {True: set(ALERTS), False: set(ALERTS)}


@needs_promtool
def test_a_rule_that_is_wrong_fails_its_test(tmp_path):
    """So that the unit tests can be believed: the comparison of one alert is turned around."""
    text = RULES.read_text()
    assert "wallet_database_up == 0" in text
    (tmp_path / "alerts.yml").write_text(text.replace("wallet_database_up == 0", "wallet_database_up == 1"))
    (tmp_path / "test.yml").write_text(
        UNIT_TESTS.read_text().replace("../../deploy/prometheus/alerts.yml", str(tmp_path / "alerts.yml"))
    )
    assert promtool("test", "rules", tmp_path / "test.yml").returncode == 1


def test_every_alert_has_its_page_and_every_page_its_alert():
    incidents = OPERATIONS.partition("\n## Incidents\n")[2].partition("\n## ")[0]
    pages = dict(re.findall(r"^### (\w+)\n\n(.*?)(?=^### |\Z)", incidents, re.MULTILINE | re.DOTALL))
    assert list(pages) == list(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert pages[name].startswith("**Means**"), name
        assert "**Do**" in pages[name], name
