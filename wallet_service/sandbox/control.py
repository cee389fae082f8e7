"""The sandbox's own paths, for people and demos: start a round, let it win, play, look, and misbehave."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Response, jsonify, request

from wallet_service.ledger.money import format_money, parse_money
from wallet_service.sandbox.delivery import Delivery
from wallet_service.sandbox.inbound import LENGTHS
from wallet_service.sandbox.misbehaviour import Misbehaviour
from wallet_service.sandbox.play import BookFullError, Dealer, Seat
from wallet_service.sandbox.rounds import GAMES, Book, Round, Win
from wallet_service.versions.body import MalformedBodyError, parse_body

__all__ = ["Control", "control_blueprint"]

LATEST = 100
"""Rounds that are shown."""


class BadInputError(Exception):
    """What was sent cannot be meant. The message says why."""


class Control:
    """What can be asked of the sandbox."""

    def __init__(self, book: Book, dealer: Dealer, delivery: Delivery) -> None:
        self._book = book
        self._dealer = dealer
        self._delivery = delivery

    def latest_rounds(self) -> Response:
        """Show the rounds that began last."""
        return jsonify(rounds=[described(the_round) for the_round in self._book.all()[-LATEST:]])

    def open_round(self) -> Response:
        """Start a round by one bet."""
        fields = sent()
        game_id = fields.get("gameId", next(iter(GAMES)))
        if game_id not in GAMES:
            raise BadInputError(f"gameId must be one of {', '.join(GAMES)}")
        the_round, answer = self._dealer.open_round(seat(fields), amount(fields), GAMES[game_id])
        return jsonify(**described(the_round), answer=answer and {"code": answer.code, "description": answer.text})

    def result(self, round_id: str) -> Any:
        """Send a round's one result and its end."""
        if self._book.find(round_id) is None:
            return jsonify(error="no such round"), 404
        if not self._dealer.settle(round_id, (Win(f"r{round_id}-1", amount(sent())),)):
            return jsonify(error=f"the round is not in progress but {self._book[round_id].state}"), 409
        return jsonify(described(self._book[round_id]))

    def play(self) -> Response:
        """Play rounds of all kinds."""
        fields = sent()
        count = fields.get("rounds", "")
        if not re.fullmatch("[0-9]{1,6}", count) or int(count) == 0:
            raise BadInputError("rounds must be a whole number from 1 on")
        return jsonify(asdict(self._dealer.play(seat(fields), int(count))))

    def misbehaviour(self) -> Response:
        """Show what the sandbox does wrong and, on PUT, change it."""
        if request.method == "PUT":
            changes = request.get_json(force=True, silent=True)
            known = asdict(self._delivery.misbehaviour)
            if not isinstance(changes, dict) or changes.keys() - known.keys():
                raise BadInputError(f"send a JSON object with some of {', '.join(known)}")
            try:
                self._delivery.misbehaviour = Misbehaviour(**(known | changes))
            except ValueError as error:
                raise BadInputError(str(error)) from None
        return jsonify(asdict(self._delivery.misbehaviour))


def control_blueprint(control: Control) -> Blueprint:
    """Return the control's routes. They have no credentials, so they answer this machine only."""
    blueprint = Blueprint("control", __name__, url_prefix="/sandbox")
    for rule, view, methods in (
        ("/rounds", control.latest_rounds, ["GET"]),
        ("/rounds", control.open_round, ["POST"]),
        ("/rounds/<round_id>/result", control.result, ["POST"]),
        ("/play", control.play, ["POST"]),
        ("/misbehaviour", control.misbehaviour, ["GET", "PUT"]),
    ):
        blueprint.add_url_rule(rule, view.__name__, view, methods=methods)
    blueprint.before_request(only_this_machine)
    blueprint.register_error_handler(BadInputError, bad_input)
    blueprint.register_error_handler(BookFullError, bad_input)
    return blueprint


def only_this_machine() -> Any:
    """Refuse a request from elsewhere, and one that another site's page sends through a browser here."""
    cross_site = request.headers.get("Sec-Fetch-Site") == "cross-site"
    if request.remote_addr and ip_address(request.remote_addr).is_loopback and not cross_site:
        return None
    return jsonify(error="the sandbox is controlled from its own machine only"), 403


def bad_input(error: Exception) -> Any:
    """Answer what cannot be done."""
    return jsonify(error=str(error)), 400


def sent() -> dict[str, str]:
    """Return the fields of the current request as texts, from a form or a JSON object."""
    if request.form:
        return request.form.to_dict()
    try:
        members = parse_body(request.get_data())
    except MalformedBodyError:
        raise BadInputError("send a form or a JSON object") from None
    return {name: str(member.value) for name, member in members.items() if member.value is not None}


def seat(fields: Mapping[str, str]) -> Seat:
    """Return who is to play."""
    user_id, currency = fields.get("userId", ""), fields.get("currency", "")
    if not user_id.strip() or len(user_id) > LENGTHS["userId"] or not user_id.isprintable():
        raise BadInputError(f"userId must have 1 to {LENGTHS['userId']} printable characters")
    if not re.fullmatch("[A-Z0-9]{2,10}", currency):
        raise BadInputError("currency must be a currency code")
    return Seat(user_id, currency)


def amount(fields: Mapping[str, str]) -> Decimal:
    """Return the amount of money that was sent."""
    try:
        return parse_money(fields.get("amount", ""))
    except ValueError as error:
        raise BadInputError(f"amount: {error}") from None


def described(the_round: Round) -> dict[str, Any]:
    """Return a round as people look at it."""
    return {
        "roundId": the_round.round_id,
        "state": the_round.state.value,
        "userId": the_round.user_id,
        "gameId": the_round.game.id,
        "currency": the_round.currency,
        "betAmount": format_money(the_round.staked),
        "winAmount": format_money(the_round.won),
        "startedAt": the_round.started_at.isoformat(timespec="milliseconds"),
    }
