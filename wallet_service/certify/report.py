"""The report of a certification, for people and for programs. It has no credential."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from wallet_service.certify.findings import Finding

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What was tried against which wallet, and what came of it. ``player`` is empty where no player was looked at."""

    url: str
    began_at: datetime
    release: str
    """Of the program that tried it."""
    player: str
    currency: str
    moved_money: bool
    findings: Sequence[Finding]

    @property
    def broken(self) -> int:
        """How many promises were not kept."""
        return sum(not finding.kept for finding in self.findings)

    @property
    def summary(self) -> str:
        """What came of it, in one sentence."""
        kept = len(self.findings) - self.broken
        return f"{kept} of {len(self.findings)} promises are kept." + ("" if self.broken else " The wallet passes.")

    def as_json(self) -> str:
        """Write it for a program."""
        facts = asdict(self) | {"began_at": self.began_at.isoformat(timespec="seconds"), "passes": not self.broken}
        facts["findings"] = [asdict(finding) | {"kept": finding.kept} for finding in self.findings]
        return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"

    def as_markdown(self) -> str:
        """Write it for people."""
        money = f"moved and returned, of `{self.player}`, in {self.currency}" if self.moved_money else "not moved"
        lines = [
            "# Acceptance of a Lucky Monaco wallet",
            "",
            f"- Wallet: {self.url}",
            f"- Tried: {self.began_at:%Y-%m-%d %H:%M:%S} UTC, with wallet-service {self.release}",
            f"- Money: {money}",
            f"- Result: **{self.summary}**",
            "",
            "| | version | case | promise | seen |",
            "| --- | --- | --- | --- | --- |",
        ]
        for finding in self.findings:
            seen = f"{finding.seen}: {finding.problem}" if finding.problem else finding.seen
            cells = ("✗" if finding.problem else "✓", finding.version, finding.case, finding.promise, seen)
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        return "\n".join(lines) + "\n"
