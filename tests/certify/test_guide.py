"""docs/integration.md: its commands are typed as they stand, and its list of cases is the one that is tried."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENT, SECRETS, WALLET_SERVICE, database_settings

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "integration.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) for line in block.splitlines()]
BOTH, V4_02, V4 = {"v4", "v4.02"}, {"v4.02"}, {"v4"}
ONLY = {"": BOTH, "v4.02 only": V4_02, "V4 only": V4}


@pytest.fixture
def type_in(database_url, service, player, tmp_path):
    """Type a command of the guide, for a player and a wallet of this run."""

    def type_in(command, *more):
        words = shlex.split(command.replace("https://wallet.example.com", f"http://127.0.0.1:{service.port}"))
        words = [f"{player.user_id}-a" if word == "acceptance" else word for word in words]
        return subprocess.run(
            [WALLET_SERVICE, *words[1:], *more],
            env={**ENVIRONMENT, **SECRETS, **database_settings(database_url)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return type_in


def test_its_commands_end_well(type_in, tmp_path):
    for command in COMMANDS:
        result = type_in(command)
        assert (result.returncode, result.stderr) == (0, ""), command
    assert "The wallet passes." in (tmp_path / "acceptance.md").read_text()


def test_its_list_of_cases_is_the_one_that_is_tried(type_in, tmp_path):
    listed = {
        case: (promise, ONLY[only])
        for case, promise, only in re.findall(
            r"^\| ([^|]+) \| ([^|]+) \| ([^|]*?) ?\|$", GUIDE.partition("## The cases")[2], re.MULTILINE
        )
        if case not in {"case", "---"}
    }
    type_in(COMMANDS[1])
    type_in(COMMANDS[3], "--report", "all.json")
    tried: dict[str, tuple[str, set[str]]] = {}
    for finding in json.loads((tmp_path / "all.json").read_text())["findings"]:
        tried.setdefault(finding["case"], (finding["promise"], set()))[1].add(finding["version"])
    assert listed == tried
