"""The first page: how the days go, and what waits for somebody."""

from datetime import timedelta

from flask import Flask, Response
from sqlalchemy import Engine

from wallet_service.admin.day_sums import DaySums
from wallet_service.admin.overview_reads import OPEN_LIMIT, waiting
from wallet_service.admin.pages import show
from wallet_service.versions.outcome_page import plain_meanings

__all__ = ["overview_routes"]

AN_HOUR = timedelta(hours=1)


def overview_routes(app: Flask, reads: Engine) -> None:
    """Add the route."""
    sums = DaySums(reads)
    meanings = {str(outcome): meaning for outcome, meaning in plain_meanings().items()}

    def overview() -> Response:
        with reads.connect() as connection:
            what_waits = waiting(connection)
        counted = sums.read()
        data = {
            "waiting": what_waits,
            "open_limit_hours": OPEN_LIMIT // AN_HOUR,
            "sums": counted,
            "meanings": {row.outcome: meanings.get(row.outcome, "") for row in counted.refused},
        }
        return show("overview", data)

    app.add_url_rule("/", "overview", overview)
    app.add_url_rule("/overview.json", "overview", overview)
