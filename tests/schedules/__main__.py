"""``python -m tests.schedules``: run every schedule, print how many there are, and fail where one leads astray."""

import argparse
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from itertools import combinations_with_replacement
from pathlib import Path

import psycopg

from tests.schedules.catalogue import CALLS, SCENES, TRIPLES
from tests.schedules.exploring import Schedule, explore
from tests.schedules.judging import Meeting
from tests.schedules.sessions import Stage
from tests.schedules.weaving import BROKEN, install
from wallet_service.database import create_read_engine
from wallet_service.embedded import EmbeddedPostgres
from wallet_service.ledger.audit import audit
from wallet_service.schema import migrate

__all__ = ["meetings", "prepare", "run"]

PAIR = 2


def meetings(scenes: list[str] | None = None) -> list[Meeting]:
    """Return every pair of calls, the same twice as well, and the chosen triples, in each scene."""
    groups = [*combinations_with_replacement(CALLS, 2), *TRIPLES]
    return [Meeting(scene, calls) for scene in scenes or SCENES for calls in groups]


def prepare(url: str, broken: str | None = None) -> None:
    """Bring an empty database to the woven functions."""
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        install(connection, broken)


def run(url: str, chosen: list[Meeting], *, every: bool = False) -> Iterator[Schedule]:
    """Run the schedules of these meetings, and audit the books that all of them have left."""
    stages = {number: Stage(url, number) for number in {len(meeting.calls) for meeting in chosen}}
    users: dict[str, str] = {}
    for meeting in chosen:
        stage = stages[len(meeting.calls)]
        for schedule in explore(stage, meeting, every=every):
            users[schedule.user] = str(schedule)
            yield schedule
    for stage in stages.values():
        stage.close()
    reads = create_read_engine(url)
    with reads.connect() as connection:
        findings = audit(connection).findings
    reads.dispose()
    for finding in findings:
        yield Schedule(chosen[-1], finding.user_id, fault=f"{users.get(finding.user_id)}: the audit finds {finding}")


def main() -> int:
    """Run what the command line asks for; return how it ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.schedules", description=__doc__)
    parser.add_argument("--every", action="store_true", help="those as well that differ in nothing that can be told")
    parser.add_argument("--scene", action="append", choices=list(SCENES), help="these scenes alone")
    parser.add_argument("--pairs", action="store_true", help="without the meetings of three calls")
    parser.add_argument("--call", action="append", choices=list(CALLS), help="the meetings that have all of these")
    parser.add_argument("--broken", choices=list(BROKEN), help="break the functions so, to see it found")
    parser.add_argument("--list", action="store_true", help="print every schedule, a letter for each step of a session")
    parser.add_argument("--stories", type=int, default=3, help="tell so many violations step by step (3)")
    options = parser.parse_args()
    chosen = [
        m
        for m in meetings(options.scene)
        if set(options.call or ()) <= set(m.calls) and not (options.pairs and len(m.calls) > PAIR)
    ]
    counts: Counter[tuple[str, int]] = Counter()
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the embedded PostgreSQL of root runs as a user of its own
        server = EmbeddedPostgres(Path(folder))
        url = server.start()
        prepare(url, options.broken)
        for schedule in run(url, chosen, every=options.every):
            counts[schedule.meeting.scene, len(schedule.meeting.calls)] += bool(schedule.steps)
            if options.list:
                print(schedule)
            if schedule.fault:
                faults += 1
                if faults <= options.stories:
                    print(f"VIOLATION {schedule}\n{schedule.story()}\n  {schedule.fault}")
        server.stop()
    for (scene, number), schedules in counts.items():
        met = sum(m.scene == scene and len(m.calls) == number for m in chosen)
        print(f"{scene:8} {met:5} meetings of {number} calls: {schedules:6} schedules")
    print(f"{sum(counts.values())} schedules of {len(chosen)} meetings, {faults} violations")
    return 1 if faults else 0


if __name__ == "__main__":
    warnings.simplefilter("error")
    sys.exit(main())
