"""One property under atheris, in a process of its own: python -m tests.fuzz.target PROPERTY SECONDS."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["wallet_service.versions", "wallet_service.auth", "wallet_service.ledger.money"]
):
    from tests.fuzz.properties import MAX_FUZZED, PROPERTIES

FOUND = Path("var/fuzz")
SEEDS = Path(__file__).parent / "seeds"

name, seconds = sys.argv[1:]
corpus = FOUND / name
corpus.mkdir(parents=True, exist_ok=True)
limits = [f"-max_total_time={seconds}", f"-max_len={MAX_FUZZED}", "-timeout=10", "-rss_limit_mb=1024"]
told = ["-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={FOUND}/crash-{name}-"]
atheris.Setup([sys.argv[0], *limits, *told, str(corpus), str(SEEDS)], PROPERTIES[name])
atheris.Fuzz()
