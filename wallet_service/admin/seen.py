"""What a form was made from, carried by it: where that changed since, nothing is done and the form is shown anew."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from flask import Response

from wallet_service.admin.pages import as_json, show
from wallet_service.ledger.money import format_money
from wallet_service.ledger.round_reads import RoundRow

__all__ = ["CHANGED", "digest_of", "figures_of", "show_again"]

CHANGED = "Nothing was done: what you saw has changed meanwhile. Look at it as it is now, and send the form again."


def figures_of(the_round: RoundRow | None) -> str:
    """Write down what somebody decides about: the round's state, the stake that stands, what it won."""
    if the_round is None:
        return ""
    return f"{the_round.state} {format_money(the_round.staked - the_round.cancelled)} {format_money(the_round.won)}"


def digest_of(rounds: Iterable[RoundRow]) -> str:
    """Return one short text for the figures of many rounds, in their order."""
    figures = as_json([[*the_round.key, figures_of(the_round)] for the_round in rounds])
    return sha256(figures.encode()).hexdigest()


def show_again(template: str, data: dict[str, Any], text: str) -> Response:
    """Show a form as things are now, and why nothing was done; a script finds the same beside the data (409)."""
    return show(template, {**data, "status": 409, "error": "Conflict", "text": text}, 409)
