"""A player's page: the wallets, the open rounds, what was refused, and a statement for any period."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, Response, request, url_for
from sqlalchemy import Connection, Engine, select
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from wallet_service.admin.addresses import ENDINGS
from wallet_service.admin.pages import address_of, show
from wallet_service.admin.refusals import MOST_REFUSALS, latest_refusals_of
from wallet_service.admin.statement import Statement, statements_of
from wallet_service.ledger.models import Player, Round
from wallet_service.ledger.reads import wallets_of
from wallet_service.ledger.round_reads import HAS_A_BET, RoundRow
from wallet_service.versions.outcome_page import plain_meanings

__all__ = ["player_routes"]

DEFAULT_PERIOD = timedelta(days=7)
A_DAY = timedelta(days=1)
MOST_DIGITS = 18
"""Of a transaction's number."""
LENGTH_OF_A_DATE = len("2026-01-31")
MOST_OPEN_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` to before ``end``, in UTC. ``errors`` says of a field why its default stands instead."""

    start: datetime
    end: datetime
    errors: dict[str, str]


def player_routes(app: Flask, reads: Engine) -> None:
    """Add the route."""
    meanings = {str(outcome): meaning for outcome, meaning in plain_meanings().items()}

    def player_page(user_id: str) -> Response:
        now = datetime.now(UTC)
        period = period_of(request.args, now)
        after = after_of(request.args, period)
        with reads.connect() as connection:
            state = connection.scalar(select(Player.state).where(Player.user_id == user_id))
            if state is None:
                raise NotFound(f"There is no player {user_id}.")
            wallets = wallets_of(connection, user_id)
            currency = request.args.get("currency", "").strip()
            if currency and currency not in {wallet.currency for wallet in wallets}:
                period.errors["currency"] = f"The player has no wallet in {currency}. These are all there are."
                currency = ""
            statements = statements_of(connection, user_id, period.start, period.end, currency=currency, after=after)
            refused = latest_refusals_of(connection, user_id)
            data = {
                "user_id": user_id,
                "state": state,
                "wallets": wallets,
                "open_rounds": open_rounds_of(connection, user_id),
                "most_open_rounds": MOST_OPEN_ROUNDS,
                "refused": refused,
                "most_refused": MOST_REFUSALS,
                "meanings": {row.outcome: meanings.get(row.outcome, "") for row in refused},
                "period": period,
                "closing_at": min(period.end, max(period.start, now)),
                "currency": currency,
                "statements": [with_links(user_id, period, statement) for statement in statements],
            }
        return show("player", data)

    for ending, prefix in ENDINGS:
        app.add_url_rule(f"/players/<{prefix}name:user_id>{ending}", "player_page", player_page)


def period_of(asked: MultiDict[str, str], now: datetime) -> Period:
    """Read ``from`` and ``to``, each a date or a time, in UTC unless it names its zone; a date as ``to`` is included.

    Without them, the last seven days and today.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    end = today + A_DAY
    errors: dict[str, str] = {}
    read: dict[str, datetime] = {}
    for field, days_after in (("from", 0), ("to", 1)):
        text = asked.get(field, "").strip()
        try:
            if text:
                read[field] = _moment(text, days_after)
        except (ValueError, OverflowError):
            errors[field] = "Write a date or a time as 2026-01-31 or 2026-01-31T12:00."
    end = read.get("to", end)
    start = read.get("from", min(today, end) - DEFAULT_PERIOD)
    if start >= end:
        errors["from"] = "The period must begin before it ends."
        start = end - DEFAULT_PERIOD
    return Period(start, end, errors)


def after_of(asked: MultiDict[str, str], period: Period) -> int:
    """Read ``after``, the number of the wallet's transaction that a part of its statement begins after."""
    text = asked.get("after", "")
    if text and not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        period.errors["after"] = "The link to this part of the statement is damaged, so here is the first one."
        return 0
    return int(text or 0)


def with_links(user_id: str, period: Period, statement: Statement) -> dict[str, Any]:
    """Return a statement with the addresses of the parts beside the one it shows, and of all of it as CSV."""
    # The times to the last digit, and the same tomorrow.
    of_this: dict[str, Any] = {
        "from": period.start.isoformat(),
        "to": period.end.isoformat(),
        "currency": statement.currency,
    }

    def part_url(after: int | None) -> str | None:
        return None if after is None else address_of("player_page", user_id=user_id, **of_this, after=after)

    return {
        **{item.name: getattr(statement, item.name) for item in fields(statement)},
        "next_url": part_url(statement.next),
        "previous_url": part_url(statement.previous),
        "csv_url": url_for("transactions_csv", player=user_id, **of_this),
    }


def _moment(text: str, days_after: int) -> datetime:
    moment = datetime.fromisoformat(text)
    if not 2000 <= moment.year < 2100:  # noqa: PLR2004 - nobody means a year outside, and arithmetic stays in range
        raise ValueError(text)
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment + A_DAY * days_after if len(text) <= LENGTH_OF_A_DATE else moment


def open_rounds_of(connection: Connection, user_id: str) -> list[RoundRow]:
    """Return a player's open rounds with a bet that stands, the oldest first, at most ``MOST_OPEN_ROUNDS``."""
    columns = [getattr(Round, item.name) for item in fields(RoundRow)]
    query = (
        select(*columns)
        .where(Round.user_id == user_id, Round.state == "open", HAS_A_BET)
        .order_by(Round.opened_at)
        .limit(MOST_OPEN_ROUNDS)
    )
    return [RoundRow(*row) for row in connection.execute(query)]
