"""The search: one box that goes to the thing itself, or asks which one was meant."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, redirect, request, url_for
from sqlalchemy import Engine

from wallet_service.admin.filters import MAX_NAME
from wallet_service.admin.pages import show, wants_json
from wallet_service.admin.search_reads import MAX_FOUND, Found, find
from wallet_service.names import is_name

__all__ = ["search_routes"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A thing that may have been meant, and where its page is."""

    found: Found
    url: str


def search_routes(app: Flask, reads: Engine) -> None:
    """Add the routes."""

    def search() -> Any:
        word = request.args.get("q", "").strip()
        candidates: list[Candidate] = []
        if is_name(word, MAX_NAME):
            with reads.connect() as connection:
                candidates = [Candidate(found, _page(found)) for found in find(connection, word)]
        if len(candidates) == 1 and not wants_json():
            return redirect(candidates[0].url)
        return show("search", {"q": word[:MAX_NAME], "candidates": candidates, "most": MAX_FOUND})

    app.add_url_rule("/search", "search", search)
    app.add_url_rule("/search.json", "search", search)


def _page(found: Found) -> str:
    if found.transaction_id:
        return url_for("transaction_page", user_id=found.user_id, transaction_id=found.transaction_id)
    if found.round_id is not None:
        return url_for("round_page", user_id=found.user_id, round_id=found.round_id)
    return url_for("player_page", user_id=found.user_id)
