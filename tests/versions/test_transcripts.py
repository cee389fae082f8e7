"""Transcripts, request by request, played through real HTTP. ``$name`` stands for what the first answer put there."""

from pathlib import Path
from typing import Any

import pytest
import yaml

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.yaml"))


def filled(value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: filled(item, known) for name, item in value.items()}
    return known.get(value, value) if isinstance(value, str) else value


def learn(expected: Any, answer: Any, known: dict[str, Any]) -> None:
    for name, value in expected.items():
        if isinstance(value, str) and value.startswith("$"):
            known.setdefault(value, answer.get(name))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(service, player, path):
    transcript = yaml.safe_load(path.read_text())
    known = {"$player": player.user_id}
    for number, step in enumerate(transcript["steps"], 1):
        send = {"v4.02": service.v4_02, "V4": service.v4}[step.get("version", transcript["version"])]
        response = send(step["call"], filled(step["body"], known))
        answer = response.json()
        learn(step["answer"], answer, known)
        where = f"step {number}, {step['call']}: {step.get('note', '')}"
        assert answer == filled(step["answer"], known), where
        assert response.status_code == step.get("status", 200), where
        assert response.headers["Content-Type"] == "application/json", where
    transaction_ids = [value for name, value in known.items() if name != "$player"]
    assert len(transaction_ids) == len(set(transaction_ids))
    assert all(len(value) <= 36 for value in transaction_ids)
