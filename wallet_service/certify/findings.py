"""What was promised, and what was seen instead."""

from collections.abc import Collection
from dataclasses import dataclass, field
from http import HTTPStatus

from wallet_service.certify.client import Reply
from wallet_service.settings import ContractVersion

__all__ = ["Finding", "Findings"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One acceptance case. ``problem`` is empty where the promise was kept."""

    version: ContractVersion
    case: str
    promise: str
    seen: str
    problem: str

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return not self.problem


@dataclass(slots=True)
class Findings:
    """All cases of one version, in the order they were tried."""

    version: ContractVersion
    cases: list[Finding] = field(default_factory=list)

    def expect(
        self,
        case: str,
        promise: str,
        reply: Reply,
        codes: Collection[str],
        *,
        status: int | None = None,
        more: str = "",
    ) -> None:
        """Enter a case that is good if the reply has one of the codes, and there is no problem ``more``.

        ``status`` is the HTTP status that is due; ``None``: the one that the version has for a call's answer (contract,
        section 6).
        """
        problem = self._wrong(reply, codes, status) or more
        self.cases.append(Finding(self.version, case, promise, str(reply), problem))

    def enter(self, case: str, promise: str, seen: str, problem: str) -> None:
        """Enter a case that is about more than one reply."""
        self.cases.append(Finding(self.version, case, promise, seen, problem))

    def _wrong(self, reply: Reply, codes: Collection[str], status: int | None) -> str:
        if reply.code is None:
            return f"not an answer of {self.version}"
        if reply.code not in codes:
            return f"the code is {reply.code}, not {' or '.join(codes)}"
        if status is None and (self.version == "v4.02" or reply.code == "0"):
            status = HTTPStatus.OK
        if status is None:
            return (
                "" if reply.status >= HTTPStatus.BAD_REQUEST else f"the HTTP status is {reply.status}, not 4xx or 5xx"
            )
        return "" if reply.status == status else f"the HTTP status is {reply.status}, not {int(status)}"
