"""All open rounds that fit a list's filters, to be cancelled together."""

from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Connection

from wallet_service.admin.filters import Filtered, read_filters
from wallet_service.admin.listing import page_of
from wallet_service.admin.lists import ROUNDS
from wallet_service.ledger.round_reads import RoundKey

__all__ = ["UnfitError", "as_fitting", "rounds_that_fit"]

MAX_FIELDS = 50


class UnfitError(ValueError):
    """The filters choose no rounds to cancel; the text says why, and what to do."""


def as_fitting(asked: Filtered, at: datetime) -> str | None:
    """Write the filters of a page that was read at a time, with the window it had, as the query of an address.

    ``None`` where they are wrong, or are for rounds that are not open.
    """
    if asked.errors or asked.values.get("state", "open") != "open":
        return None
    window = {"to": (asked.window.end or at).isoformat()}
    if asked.window.start:
        window["from"] = asked.window.start.isoformat()
    return urlencode(asked.typed | window)


def rounds_that_fit(connection: Connection, query: str, most: int) -> list[RoundKey]:
    """Return the open rounds that fit filters, written as the query of an address; the newest first.

    The connection must see one snapshot throughout.

    Raises:
        UnfitError: a filter is wrong, or more than ``most`` rounds fit, or may.

    """
    try:
        typed = dict(parse_qsl(query, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise UnfitError("These are no filters. Go back to the list of rounds.") from None
    asked = read_filters(ROUNDS.filters, typed, ROUNDS.is_free)
    if asked.errors:  # without it, rounds would be cancelled that were not meant
        raise UnfitError(f"A filter is wrong. {asked.said}")
    if asked.values.setdefault("state", "open") != "open":
        raise UnfitError("Only open rounds can be cancelled so. Choose the state open, or take that filter away.")
    page = page_of(connection, ROUNDS, asked, None, most)
    if page.scanned_to:
        raise UnfitError(f"There are too many open rounds to look at. At most {most} can be cancelled together.")
    if page.next:
        raise UnfitError(f"More than {most} open rounds fit; at most {most} can be cancelled together.")
    return [(row["user_id"], row["round_id"]) for row in page.rows]
