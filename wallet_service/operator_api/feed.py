"""The feed: every transaction once, for the operator's warehouse, reports to a regulator and notices to players."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC

from flask import Response, request
from werkzeug.datastructures import MultiDict

from wallet_service.ledger.feed import BEGINNING, Feed, FeedRow, Position
from wallet_service.ledger.outcomes import Outcome
from wallet_service.operator_api.feed_text import CursorError, as_csv, as_json_lines, read_cursor, write_cursor
from wallet_service.operator_api.handling import Handling
from wallet_service.versions.endpoint import InvalidRequestError

__all__ = ["COMPLETE_TO", "CSV", "DEFAULT_LIMIT", "JSON_LINES", "MAX_LIMIT", "NEXT_CURSOR", "FeedApi"]

JSON_LINES = "application/x-ndjson"
CSV = "text/csv"
NEXT_CURSOR = "X-Next-Cursor"
"""The header with what to send as ``after`` for what follows."""
COMPLETE_TO = "X-Complete-To"
"""The header with the time before which the reader has now every transaction there is and will be."""
DEFAULT_LIMIT = 1000
MAX_LIMIT = 10_000
"""A page is written whole before it is sent, so that a slow reader keeps no database connection."""


class FeedApi:
    """The views, over one feed."""

    def __init__(self, feed: Feed, handling: Handling) -> None:
        self._feed = feed
        self._handling = handling

    def transactions(self) -> Response:
        """Return a page as JSON lines."""
        return self._page(as_json_lines, JSON_LINES)

    def transactions_csv(self) -> Response:
        """Return a page as CSV."""
        return self._page(as_csv, CSV)

    def _page(self, write: Callable[[Iterable[FeedRow]], str], content_type: str) -> Response:
        def act() -> Response:
            page = self._feed.page(*read_query(request.args))
            headers = {NEXT_CURSOR: write_cursor(page.next), "Cache-Control": "no-store"}
            if page.complete_to:
                headers[COMPLETE_TO] = page.complete_to.astimezone(UTC).isoformat(timespec="microseconds")
            return Response(write(page.rows), headers=headers, content_type=f"{content_type}; charset=utf-8")

        return self._handling(act)


def read_query(query: MultiDict[str, str]) -> tuple[Position, int]:
    """Return the position to begin behind, and how many transactions to return at most.

    Raises:
        InvalidRequestError: one of the two is wrong, or there is anything else: a misspelt ``after`` would begin anew.

    """
    given = {name: query.getlist(name) for name in query}
    for name, values in given.items():
        if name not in {"after", "limit"} or len(values) > 1:
            raise InvalidRequestError(Outcome.INVALID_PARAMETER, name if name in {"after", "limit"} else "query")
    limit = query.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch("[0-9]{1,5}", limit, re.ASCII) or not 1 <= int(limit) <= MAX_LIMIT:
        raise InvalidRequestError(Outcome.INVALID_PARAMETER, "limit")
    try:
        return read_cursor(query["after"]) if "after" in query else BEGINNING, int(limit)
    except CursorError as error:
        raise InvalidRequestError(Outcome.INVALID_PARAMETER, "after") from error
