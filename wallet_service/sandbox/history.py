"""GetRoundStatus and GetGameRounds, as Lucky Monaco answers them (contract, section 2)."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from flask import Blueprint, Response, jsonify

from wallet_service.ledger.money import format_money
from wallet_service.sandbox.cancel_round import refusal
from wallet_service.sandbox.inbound import RefusedError, read_body, read_fields, token_valid
from wallet_service.sandbox.rounds import Book, Round
from wallet_service.sandbox.wallet import Keys

__all__ = ["history_blueprint"]

MAX_PAGE = 1000
MAX_PAGE_NUMBER = 1_000_000
DATE_FORMAT = "%Y-%m-%d %H:%M:%S"

_ZONE = re.compile(r"GMT([+-])([01][0-9]|2[0-3]):([0-5][0-9])")


def history_blueprint(book: Book, keys: Keys) -> Blueprint:
    """Return the routes of the two reads."""
    blueprint = Blueprint("history", __name__, url_prefix="/history")

    @blueprint.post("/GetRoundStatus")
    def round_status() -> Response:
        fields = _authentic(keys, ("secureLogin", "roundId", "uuid", "token"), ())
        the_round = book.find(fields["roundId"])
        if the_round is None:
            raise RefusedError("17")
        return jsonify(error=0, description="Success", **_amounts(the_round))

    @blueprint.post("/GetGameRounds")
    def game_rounds() -> Response:
        required = ("secureLogin", "dateStart", "dateEnd", "timeZone", "page", "limit", "uuid", "token")
        fields = _authentic(keys, required, ("userId", "gameId"))
        zone = _zone(fields["timeZone"])
        total, rounds = book.between(
            _date(fields, "dateStart", zone),
            _date(fields, "dateEnd", zone),
            user_id=fields.get("userId"),
            game_id=fields.get("gameId"),
            page=_number(fields, "page", MAX_PAGE_NUMBER),
            limit=_number(fields, "limit", MAX_PAGE),
        )
        listed = [_described(the_round, zone) for the_round in rounds]
        return jsonify(error=0, description="Success", totalRounds=total, rounds=listed)

    blueprint.register_error_handler(RefusedError, refusal)
    return blueprint


def _authentic(keys: Keys, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, str]:
    fields = read_fields(read_body(), required, optional)
    if not token_valid(keys, fields):
        raise RefusedError("54")
    return fields


def _amounts(the_round: Round) -> dict[str, Any]:
    return {
        "roundId": int(the_round.round_id),
        "roundStatus": the_round.state.value,
        "betAmount": format_money(the_round.staked),
        "winAmount": format_money(the_round.won),
        "currency": the_round.currency,
    }


def _described(the_round: Round, zone: timezone) -> dict[str, Any]:
    return {
        "dateTime": the_round.started_at.astimezone(zone).strftime(DATE_FORMAT),
        "gameId": the_round.game.id,
        "gameName": the_round.game.name,
        "userId": the_round.user_id,
        **_amounts(the_round),
    }


def _zone(text: str) -> timezone:
    offset = _ZONE.fullmatch(text)
    if offset is None:
        raise RefusedError("57", "timeZone")
    ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
    return timezone(ahead if offset[1] == "+" else -ahead)


def _date(fields: Mapping[str, str], name: str, zone: timezone) -> datetime:
    try:
        return datetime.strptime(fields[name], DATE_FORMAT).replace(tzinfo=zone)
    except ValueError:
        raise RefusedError("57", name) from None


def _number(fields: Mapping[str, str], name: str, most: int) -> int:
    text = fields[name]
    if not re.fullmatch("[0-9]{1,7}", text) or not 1 <= int(text) <= most:
        raise RefusedError("57", name)
    return int(text)
