"""The first page: how the day goes, and what waits for somebody."""

from flask import Flask, Response
from sqlalchemy import Engine

from wallet_service.admin.pages import show

__all__ = ["overview_routes"]


def overview_routes(app: Flask, reads: Engine) -> None:
    """Add the route."""

    def overview() -> Response:
        with reads.connect():
            return show("overview", {})

    app.add_url_rule("/", "overview", overview)
