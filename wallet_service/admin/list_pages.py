"""The lists as pages, as JSON and as files: /rounds, /rounds.json, /rounds.csv, and so on."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, request, url_for
from sqlalchemy import Connection, Engine, select
from werkzeug.datastructures import Headers

from wallet_service.admin.action_list import seen_by
from wallet_service.admin.cursors import CursorError, read_cursor
from wallet_service.admin.downloads import MAX_DOWNLOADS, Downloads, TooManyDownloadsError
from wallet_service.admin.export import file_name
from wallet_service.admin.filters import Filtered, read_filters
from wallet_service.admin.fitting import as_fitting
from wallet_service.admin.guard import person
from wallet_service.admin.listing import Listing, Page, page_of
from wallet_service.admin.lists import LISTINGS, ROUNDS
from wallet_service.admin.pages import address_of, show
from wallet_service.ledger.models import Player

__all__ = ["list_routes"]

TOO_MANY_EXPORTS = f"Others are being read, and at most {MAX_DOWNLOADS} can be at once. Try again in a minute."
RETRY_AFTER_S = 60
AFTER = "after"
"""Beside the filters in an address: where the page before this one ended."""


def list_routes(app: Flask, reads: Engine) -> None:
    """Add the routes of every list."""
    downloads = Downloads(reads)
    for listing in LISTINGS:
        _add_list(app, reads, downloads, listing)
    by_name = {listing.name: listing for listing in LISTINGS}
    app.jinja_env.globals["seen_listing"] = lambda name: seen_by(person().role, by_name[name])


def _add_list(app: Flask, reads: Engine, downloads: Downloads, whole: Listing) -> None:
    def page() -> Response:
        at = datetime.now(UTC)
        listing = seen_by(person().role, whole)
        asked = _asked(listing, request.args)
        after, problem = _after(listing, request.args.get(AFTER, ""))
        with reads.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            found = page_of(connection, listing, asked, after)
            unknown = None if found.rows else _unknown_player(connection, asked)
        data = _shown(listing, asked, found, problem=problem, is_first=after is None)
        data["unknown_player"] = unknown
        if listing is ROUNDS:
            data["fitting"] = as_fitting(asked, at)
        return show("list", data)

    def export() -> Response:
        listing = seen_by(person().role, whole)
        asked = _asked(listing, request.args)
        if asked.errors:  # a file of something else would be taken for what was asked
            return show("error", {"status": 400, "error": "No such export", "text": asked.said}, 400)
        headers = Headers()
        headers.add("Content-Disposition", "attachment", filename=file_name(listing.name, asked, datetime.now(UTC)))
        try:
            download = downloads.begin(listing, asked)
        except TooManyDownloadsError:
            refusal = show("error", {"status": 503, "error": "Too many exports", "text": TOO_MANY_EXPORTS}, 503)
            refusal.headers["Retry-After"] = RETRY_AFTER_S
            return refusal
        response = Response(iter(download), mimetype="text/csv", headers=headers)
        response.call_on_close(download.close)  # however it ends: read whole, given up by the client, or never begun
        return response

    app.add_url_rule(f"/{whole.name}", whole.name, page)
    app.add_url_rule(f"/{whole.name}.json", whole.name, page)
    app.add_url_rule(f"/{whole.name}.csv", f"{whole.name}_csv", export)


def _asked(listing: Listing, args: Mapping[str, str]) -> Filtered:
    of_filters = {name: text for name, text in args.items() if name != AFTER}
    return read_filters(listing.filters, of_filters, listing.is_free)


def _after(listing: Listing, cursor: str) -> tuple[tuple[Any, ...] | None, str]:
    """Return where the page begins, and what is wrong with what the URL says about that."""
    if not cursor:
        return None, ""
    try:
        return read_cursor(cursor, listing.key_types), ""
    except CursorError:
        return None, "The link to this page is damaged, so here is the first one."


def _unknown_player(connection: Connection, asked: Filtered) -> str | None:
    """Return the name that is asked for as a player's, where nobody has it."""
    name: str | None = asked.values.get("player")
    if name is None or connection.scalar(select(Player.user_id).where(Player.user_id == name)):
        return None
    return name


def _shown(listing: Listing, asked: Filtered, found: Page, *, problem: str, is_first: bool) -> dict[str, Any]:
    """Return what the page and the JSON say."""
    typed: dict[str, Any] = {name: text for name, text in asked.typed.items() if name not in asked.errors}
    after: dict[str, Any] = {}
    if found.next:
        after = {**typed, AFTER: found.next}
        if asked.window.start:  # else the window of the next page would begin later than this one's
            after["from"] = asked.window.start.isoformat().replace("+00:00", "Z")
    return {
        "list": listing.name,
        "rows": found.rows,
        "window": asked.window,
        "filters": asked.typed,
        "errors": asked.errors,
        "problem": problem,
        "is_first": is_first,
        "scanned_to": found.scanned_to,
        "next": found.next,
        "next_url": address_of(listing.name, **after) if after else None,
        "csv_url": url_for(f"{listing.name}_csv", **typed),
    }
