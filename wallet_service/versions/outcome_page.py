"""Writes ``docs/outcomes.md``: every way a call can end, what each version answers, and what people should do then."""

import inspect
import re

from wallet_service.ledger.outcomes import Outcome
from wallet_service.versions.v4.answers import ANSWERS as V4
from wallet_service.versions.v4_02.answers import ANSWERS as V4_02

__all__ = ["OPS", "outcome_meanings", "outcome_page", "plain_meanings"]

FINAL = frozenset({0, 15, 999})
"""Codes after which Lucky Monaco does not send the call again (contract, section 4)."""
NOT_ON_THE_WIRE = frozenset({Outcome.WALLET_EXISTS, Outcome.REVIEW_UNKNOWN, Outcome.CANCELLATION_UNDER_WAY})

OPS: dict[Outcome, str] = {
    Outcome.CREDENTIALS_WRONG: "Compare the token, the hash secret and the allowed networks with what LM was given.",
    Outcome.INVALID_PARAMETER: "Find the field in the log line and ask LM why it is sent so.",
    Outcome.INVALID_AMOUNT: "Find the amount in the log line and ask LM what it means.",
    Outcome.EMPTY_FIELD: "Find the field in the log line and ask LM why it is missing.",
    Outcome.CURRENCY_UNKNOWN: "Add the code to `WALLET_EXTRA_CURRENCIES` if it is a currency of yours.",
    Outcome.PLAYER_UNKNOWN: "Open the player's wallet, if the player is yours.",
    Outcome.WALLET_EXISTS: "Nothing; the wallet is there.",
    Outcome.WALLET_UNKNOWN: "Open the wallet; for V4 and a player with several, set `WALLET_V4_CURRENCY`.",
    Outcome.CURRENCY_MISMATCH: "Ask LM: one round has one currency.",
    Outcome.ROUND_REFUNDED: "Nothing; a late call for a voided round.",
    Outcome.BET_CANCELLED: "Nothing; a late call for a cancelled bet.",
    Outcome.REFERENCE_REUSED: "Ask LM: one reference has one amount, round and currency.",
    Outcome.ROUND_SETTLED: "Decide in the review queue: refund the round whole, or leave it.",
    Outcome.REVERSAL_NOT_COVERED: "Decide in the review queue, once the player has the money, or leave it.",
    Outcome.BET_IN_ANOTHER_ROUND: "Decide in the review queue; ask LM which round is meant.",
    Outcome.LAST_BET_OF_SETTLED_ROUND: "Decide in the review queue: refund the round whole, or leave it.",
    Outcome.BETS_CANCELLED: "Ask LM why a round without bets has a result.",
    Outcome.ROUND_WITHOUT_BET: "Wait: the bet may come, and payment closes the review. Else ask LM.",
    Outcome.ROUND_ENDED: "Ask LM why a bet follows the round's end.",
    Outcome.PLAYER_FROZEN: "Nothing, or `wallet unfreeze`.",
    Outcome.INSUFFICIENT_BALANCE: "Nothing.",
    Outcome.REVIEW_UNKNOWN: "Look at the queue again; somebody else decided.",
    Outcome.CANCELLATION_UNDER_WAY: "Wait for it: `wallet-service cancellations`.",
    Outcome.UNAVAILABLE: "Look at the database; the resend settles the call.",
    Outcome.REPLAYED: "Nothing; the call was told again.",
    Outcome.APPLIED: "Nothing.",
}


def outcome_page() -> str:
    """Return the page as Markdown."""
    rows = [
        "# Outcomes",
        "",
        "How a call can end, in the order of precedence: where several would fit, the first one is the answer.",
        "Lucky Monaco (LM) queues a Refund and sends it until its answer is final; any other call it sends again 3",
        "times, a Result 10 times. At EndRound, `unavailable` is 997 and `G.997`. The review queue is",
        "`wallet-service reviews list` and `wallet-service reviews decide`.",
        "",
        "Made from the code by `make docs`; a test fails when this page is stale.",
        "",
        "| outcome | meaning | V4 | v4.02 | LM sends it again | ops |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    meanings = outcome_meanings()
    for outcome in Outcome:
        code, _ = V4_02[outcome]
        v4_answer, v4_02_answer = wire_answers(outcome).values()
        again = "no" if code in FINAL else "yes"
        if outcome in NOT_ON_THE_WIRE:
            v4_answer = v4_02_answer = again = "not asked by LM"
        rows.append(f"| `{outcome}` | {meanings[outcome]} | {v4_answer} | {v4_02_answer} | {again} | {OPS[outcome]} |")
    return "\n".join(rows) + "\n"


def wire_answers(outcome: Outcome) -> dict[str, str]:
    """Return what each version answers, as Markdown: V4 with its HTTP status, the code, the words."""
    status, v4_code, v4_message = V4[outcome]
    code, description = V4_02[outcome]
    answers = {"V4": f"{status} `{v4_code or 0}` {v4_message}", "v4.02": f"`{code}` {description}"}
    return {version: answer.replace("{field}", "…") for version, answer in answers.items()}


def outcome_meanings() -> dict[Outcome, str]:
    """Return the sentence under each outcome in its source: Python does not keep the docstring of a value."""
    lines = inspect.getsource(Outcome).splitlines()
    return {
        outcome: next(
            lines[number + 1].strip().strip('"')
            for number, line in enumerate(lines)
            if line.strip().startswith(f"{outcome.name} = ")
        )
        for outcome in Outcome
    }


def plain_meanings() -> dict[Outcome, str]:
    """Return the same without the rules' numbers, for people who act and need not know the contract by heart."""
    return {outcome: re.sub(r" \(rules? [^)]*\)", "", meaning) for outcome, meaning in outcome_meanings().items()}


if __name__ == "__main__":
    print(outcome_page(), end="")  # noqa: T201 - the page goes to standard output
