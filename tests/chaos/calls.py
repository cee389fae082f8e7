"""What was sent to the wallet and what it acknowledged: all that the judge goes by, besides the wallet's log."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from http.client import HTTPConnection, HTTPException
from time import time

from wallet_service.sandbox import Keys, Wallet
from wallet_service.sandbox.rounds import Round
from wallet_service.settings import ContractVersion

__all__ = ["FINAL", "UNSURE", "Attempt", "Call", "Line", "Writer"]

FINAL = frozenset({"0", "15", "999"})
UNSURE = frozenset({"997", "998", None})
"""Answers, or none, after which the call may have been applied or not."""
PATIENCE_S = 4.0
"""Of a caller; a later answer is no answer."""
LOGGED = {"Bet": "bet", "Result": "result", "Cancel": "cancel", "Refund": "refund"}
"""What the calls that leave a transaction are called in the log."""
SUCCESSFUL = 200


@dataclass(slots=True)
class Attempt:
    """A call was sent once. ``code`` is the contract's, the same in both versions; None: no answer came."""

    sent: float
    received: float = 0.0
    code: str | None = None
    transaction_id: str | None = None
    cash: Decimal | None = None
    problem: str = ""
    """What is wrong with the answer itself."""


@dataclass(slots=True)
class Call:
    """A wallet call, however often it was sent."""

    name: str
    the_round: Round
    reference: str
    amount: Decimal | None
    version: ContractVersion
    fields: dict[str, str]
    attempts: list[Attempt] = field(default_factory=list)
    abandoned: bool = False
    """Nobody sends it any more; what became of it is not known."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Under what the log has it at most once: of a round, one refund."""
        name = LOGGED.get(self.name, self.name)
        return self.the_round.user_id, name, self.the_round.round_id if name == "refund" else self.reference

    @property
    def code(self) -> str | None:
        """The answer after which it is not sent again, where there is one."""
        return next((attempt.code for attempt in self.attempts if attempt.code not in UNSURE), None)

    @property
    def is_unsure(self) -> bool:
        """Whether an attempt may have been applied without an acknowledgement."""
        return any(attempt.code in UNSURE for attempt in self.attempts)

    def told(self) -> str:
        """Say what was sent and acknowledged, in a line."""
        began = self.attempts[0].sent if self.attempts else 0.0
        answers = ", ".join(
            f"{attempt.code or 'no answer'} {attempt.transaction_id or ''}"
            f" {'' if attempt.cash is None else attempt.cash}"
            f" ({attempt.sent - began:.2f}-{attempt.received - began:.2f} s)"
            for attempt in self.attempts
        )
        amount = f" of {self.amount}" if self.amount is not None else ""
        return (
            f"{self.version} {self.name}{amount} {self.reference}, round {self.the_round.round_id}, player "
            f"{self.the_round.user_id}, sent at {began:.3f}; acknowledged: {answers or 'never sent'}"
        )


class Writer:
    """Writes calls as Lucky Monaco does, in both versions."""

    def __init__(self, keys: Keys) -> None:
        """Prove oneself with these keys."""
        self._wallets = {version: Wallet("http://127.0.0.1", version, keys) for version in VERSIONS}
        self._paths = {
            "v4.02": f"/v4/{{}}?authToken={keys.token}",
            "v4": f"/V4/{{}}?MEMB_ID={keys.partner_id}&HASH={keys.token}",
        }

    def write(self, call: Call) -> tuple[str, bytes]:
        """Return the path and the body, which has another uuid each time."""
        request = self._wallets[call.version].write(call.name, call.the_round, **call.fields)
        return self._paths[call.version].format(call.name), request.body


VERSIONS: tuple[ContractVersion, ...] = ("v4.02", "v4")


class Line:
    """A connection to the wallet, made again whenever it broke. One call at a time is on it."""

    def __init__(self, port: int, writer: Writer) -> None:
        """Speak to the port."""
        self._port = port
        self._writer = writer
        self._http: HTTPConnection | None = None
        self._attempt = Attempt(0)

    def send(self, call: Call) -> None:
        """Send a call; ``receive`` must follow."""
        path, body = self._writer.write(call)
        self._attempt = Attempt(time())
        call.attempts.append(self._attempt)
        try:
            if self._http is None:
                self._http = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
            self._http.request("POST", path, body, {"Content-Type": "application/json"})
        except (OSError, HTTPException):
            self._hang_up()

    def receive(self) -> None:
        """Wait for the answer, and take it down."""
        if self._http:
            try:
                response = self._http.getresponse()
                body = response.read()
            except (OSError, HTTPException):
                self._hang_up()
            else:
                _read(self._attempt, response.status, body)
        self._attempt.received = time()

    def _hang_up(self) -> None:
        if self._http:
            self._http.close()
        self._http = None


def _read(attempt: Attempt, status: int, body: bytes) -> None:
    """Read an answer of either version."""
    try:
        fields = json.loads(body, parse_float=Decimal, parse_int=Decimal)
        error = fields["error"]
        code = str(int(str(error["code"]).rpartition(".")[2] if isinstance(error, dict) else error))
    except (ValueError, KeyError, TypeError):
        attempt.problem = f"HTTP {status} {body[:200]!r}"
        return
    attempt.code = code
    attempt.transaction_id = fields.get("transactionId")
    attempt.cash = None if fields.get("cash") is None else Decimal(fields["cash"])
    expected = SUCCESSFUL if not isinstance(error, dict) else {"998": 503, "997": 503, "15": 402, "999": 409}.get(code)
    if status != expected or code not in FINAL | UNSURE:
        attempt.problem = f"HTTP {status} {body[:200]!r}"
