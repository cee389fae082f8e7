"""Whether the time that a check of credentials takes says anything about the secret: how much of a guess is right.

Run: make timing (ARGS="--samples 30000")

Two checkers, one whose secret the guesses are about and one with another secret, are given the same guesses in random
order, in process, where no network's noise hides anything. What a guess itself costs, by its length say, is so the same
for both, and what is left is the secret's doing. Welch's t compares the two for each kind of guess, as "dudect" does:
on samples below the 90th percentile, as what is above is the machine's. Beyond 4.5 in absolute value, and by more than
0.5 % of the check's time, they are told apart. The last lines are controls, naive comparisons: the first must be told
apart, or nothing could be seen here.
"""

import argparse
import gc
import random
import sys
from collections.abc import Callable
from statistics import fmean, quantiles, variance
from time import perf_counter_ns

from wallet_service.auth import Credentials, body_hash
from wallet_service.settings import Settings

TOLD_APART = 4.5
"""Of Welch's t: by chance, less than once in 100,000."""
LEAST_PART = 0.005
"""Of the check's time; less is the processor's guessing of which way a comparison ends."""
BATCH = 10
"""Checks in one sample."""
COPIES = 64
"""Of each guess and each checker, so that it does not matter where in memory one lies."""
DIGITS = "0123456789abcdef"
BODY = {"userId": "player-1", "providerId": "LM", "reference": "ref-1", "roundId": "4711", "gameId": "vs20lucky"}

Check = Callable[[str], bool]


def secret(length: int = 32) -> str:
    """Make up a secret."""
    return "".join(random.choice(DIGITS) for _ in range(length))  # noqa: S311 - it guards nothing


def guesses(right: str) -> dict[str, list[str]]:
    """Return copies of the right credential and of wrong ones, by what is wrong."""

    def wrong(at: int) -> str:
        return right[:at] + random.choice(DIGITS.replace(right[at], "")) + right[at + 1 :]  # noqa: S311 - guesses, no secrets of anybody's

    last = len(right) - 1
    return {
        "right": ["".join(list(right)) for _ in range(COPIES)],
        "first sign wrong": [wrong(0) for _ in range(COPIES)],
        "last sign wrong": [wrong(last) for _ in range(COPIES)],
        "one sign short": ["".join(list(right[:last])) for _ in range(COPIES)],
        "one sign long": [right + random.choice(DIGITS) for _ in range(COPIES)],  # noqa: S311 - guesses, no secrets of anybody's
    }


def measure(make: Callable[[str], Check], right: str, samples: int) -> dict[str, tuple[list[int], list[int]]]:
    """Return the nanoseconds of each kind of guess, with the secret that it is about and with other ones."""
    kinds = guesses(right)
    # The others are of other lengths, too.
    checks = [(make(right), make(secret(random.choice((24, 32, 40))))) for _ in range(COPIES)]  # noqa: S311 - guesses, no secrets of anybody's
    times: dict[str, tuple[list[int], list[int]]] = {kind: ([], []) for kind in kinds}
    order = [(kind, which) for kind in kinds for which in (0, 1)]
    gc.disable()
    for _ in range(samples):
        random.shuffle(order)
        for kind, which in order:
            guess, check = random.choice(kinds[kind]), random.choice(checks)[which]  # noqa: S311 - guesses, no secrets of anybody's
            check(guess)  # once before, so that all of it lies in the processor's memory
            started = perf_counter_ns()
            for _ in range(BATCH):
                check(guess)
            times[kind][which].append(perf_counter_ns() - started)
    gc.enable()
    return times


def welch(one: list[int], other: list[int]) -> float:
    """Return Welch's t of two samples."""
    return (fmean(one) - fmean(other)) / (variance(one) / len(one) + variance(other) / len(other)) ** 0.5


def report(what: str, make: Callable[[str], Check], right: str, samples: int) -> bool:
    """Measure a check and print what came of it; return whether the secrets were told apart."""
    told_apart = False
    for kind, both in measure(make, right, samples).items():
        limit = quantiles([*both[0], *both[1]], n=10)[-1]
        its, others = ([time for time in times if time <= limit] for times in both)
        t = welch(its, others)
        told_apart |= abs(t) > TOLD_APART and abs(fmean(its) / fmean(others) - 1) > LEAST_PART
        of_one = (fmean(its) / BATCH, fmean(others) / BATCH)
        print(f"{what:28} {kind:17} {of_one[0]:9.1f} ns, other secret {of_one[1]:9.1f} ns, t = {t:8.2f}")  # noqa: T201 - its output
    print(f"{what:28} {'TOLD APART' if told_apart else 'not told apart'}\n", flush=True)  # noqa: T201 - its output
    return told_apart


def credentials(**known: str) -> Credentials:
    """Return a checker that knows these secrets, and made-up ones for the rest."""
    return Credentials(
        Settings(
            partner_id=known.get("partner_id", "op"),
            partner_token=(known.get("token", ""), secret()),
            hash_secret=(known.get("hash_secret", ""),),
            operator_token=(known.get("operator_token", ""), secret()),
        )
    )


def with_token(member: str | None) -> Callable[[str], Check]:
    """Return what makes a check of the URL's token, with the partner id beside it or without one."""

    def make(token: str) -> Check:
        checker = credentials(token=token)
        if member is None:
            return lambda guess: checker.url_token_valid({"authToken": guess})
        return lambda guess: checker.url_token_valid({"MEMB_ID": member, "HASH": guess})

    return make


def with_partner_id(partner_id: str) -> Check:
    """Check a partner id beside a right token."""
    checker = credentials(partner_id=partner_id, token="t")  # noqa: S106 - nobody's
    return lambda guess: checker.url_token_valid({"MEMB_ID": guess, "HASH": "t"})


def with_operator_token(token: str) -> Check:
    """Check the operator's token."""
    checker = credentials(operator_token=token)
    return lambda guess: checker.operator_token_valid(f"Bearer {guess}")


def with_hash_secret(known: str) -> Check:
    """Check a body's hash."""
    checker = credentials(hash_secret=known)
    return lambda guess: checker.hash_valid(BODY.items(), guess)


def sign_by_sign(known: str) -> Check:
    """Compare as one does who knows no better: up to the first sign that differs."""

    def check(guess: str) -> bool:
        return len(guess) == len(known) and all(one == other for one, other in zip(guess, known, strict=True))

    return check


def main() -> None:
    """Measure every check; exit with 1 if one says something of its secret, or the naive one does not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=30_000, help="of each kind of guess")
    samples = parser.parse_args().samples
    hash_key = "k" * 32
    right_hash = body_hash(BODY.items(), hash_key, encoded=False, empty_kept=True)
    # A guess is about the hash; the other checkers have another key of the same length, as the key is hashed each time.
    hash_checks: Callable[[str], Check] = lambda known: with_hash_secret(hash_key if known == right_hash else secret())  # noqa: E731 - one of several checks of one line
    tokens = secret()
    leaks = [
        what
        for what, make, right in (
            ("authToken", with_token(None), tokens),
            ("MEMB_ID and HASH", with_token("op"), tokens),
            ("HASH of an unknown MEMB_ID", with_token("nobody"), tokens),
            ("MEMB_ID", with_partner_id, secret(12)),
            ("operator's token", with_operator_token, tokens),
            ("body hash", hash_checks, right_hash),
        )
        if report(what, make, right, samples)
    ]
    seen = report("control: sign by sign", sign_by_sign, tokens, samples)
    report("control: ==", lambda known: lambda guess: guess == known, tokens, samples)
    sys.exit(f"told apart: {leaks}; the control was seen: {seen}" if leaks or not seen else 0)


if __name__ == "__main__":
    main()
