"""Pages that are made from code are made from this code."""

from pathlib import Path

from wallet_service.ledger.outcomes import Outcome
from wallet_service.versions.outcome_page import OPS, outcome_page

DOCS = Path(__file__).parent.parent / "docs"


def test_the_page_of_outcomes_is_not_stale():
    assert (DOCS / "outcomes.md").read_text() == outcome_page(), "run: make docs"


def test_ops_are_told_what_to_do_after_every_outcome():
    assert list(OPS) == list(Outcome)
