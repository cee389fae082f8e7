"""CancelRound, as Lucky Monaco answers it in either version (contract, section 2)."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from threading import Lock
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from wallet_service.sandbox.delivery import Delivery
from wallet_service.sandbox.inbound import RefusedError, hash_valid, read_body, read_fields, same, token_valid
from wallet_service.sandbox.refunds import Refunds
from wallet_service.sandbox.reports import Journal
from wallet_service.sandbox.rounds import GAMES, Book, Round, State
from wallet_service.sandbox.wallet import Keys

__all__ = ["Cancellation", "cancel_round_blueprint"]

V4_ERRORS = {
    "54": (401, "G.54", "CREDENTIALS WRONG"),
    "57": (400, "V.57", "INVALID PARAMETER '{field}'"),
    "64": (400, "V.64", "EMPTY MANDATORY FIELD '{field}'"),
    "58": (400, "G.01", "INVALID GAME TYPE"),
    "17": (404, "G.17", "NO ROUND MATCHES"),
    "999": (409, "G.999", "ROUND IS COMPLETED"),
}
V402_ERRORS = {
    "54": "Credentials wrong",
    "57": "Invalid parameter '{field}'",
    "64": "Empty mandatory field '{field}'",
    "58": "Game not found",
    "17": "No round matches",
    "999": "Round is completed",
}


class Cancellation:
    """Cancels rounds: takes them out of play and has their Refunds sent."""

    def __init__(self, book: Book, delivery: Delivery, refunds: Refunds, journal: Journal, seed: str) -> None:
        self._book = book
        self._delivery = delivery
        self._refunds = refunds
        self._journal = journal
        self._seed = seed
        self._asked: Counter[str] = Counter()
        self._lock = Lock()

    def cancel(self, user_id: str, round_id: str | None, game_id: str | None) -> bool:
        """Cancel a round or, without ``round_id``, every round in progress of the player in that game.

        Returns whether the answer is to reach the operator.

        Raises:
            RefusedError: the game is none, nothing matches, or the round is completed.

        """
        if game_id is not None and game_id not in GAMES:
            raise RefusedError("58")
        found = self._book.find(round_id) if round_id else None
        rounds = [
            the_round
            for the_round in ([found] if found else [] if round_id else self._book.all())
            if the_round.user_id == user_id
            and game_id in {None, the_round.game.id}
            and (round_id or the_round.state is State.IN_PROGRESS)
        ]
        if not rounds:
            raise RefusedError("17")
        answered = [self._cancel(the_round) for the_round in rounds]
        return all(answered)

    def tell(self, outcome: str, user_id: str, round_id: str | None) -> None:
        """Report a CancelRound and its answer."""
        self._journal.tell("CancelRound", round_id or "", user_id, outcome, direction="to sandbox", sent=False)

    def _cancel(self, the_round: Round) -> bool:
        random = self._random(the_round)
        answer_lost, refund_first, no_refund = (random.random() for _ in range(3))
        misbehaviour = self._delivery.misbehaviour
        round_id = the_round.round_id
        if self._book.move(round_id, State.CANCEL_IN_PROCESS):
            if no_refund >= misbehaviour.no_refund:
                self._refunds.add(round_id, first_now=refund_first < misbehaviour.refund_first)
        elif self._book[round_id].state in {State.COMPLETED, State.COMPLETE_IN_PROCESS}:
            raise RefusedError("999")
        return answer_lost >= misbehaviour.lost_answers

    def _random(self, the_round: Round) -> Random:
        """Return what decides a CancelRound of the round: another one each time, or one answer would always be lost."""
        with self._lock:
            self._asked[the_round.round_id] += 1
            asked = self._asked[the_round.round_id]
        return Random(f"{self._seed}:{the_round.ordinal}:cancel:{asked}")  # noqa: S311 - repeatable, and no secret


def cancel_round_blueprint(cancellation: Cancellation, keys: Keys, v402_prefix: str) -> Blueprint:
    """Return the routes of CancelRound in both versions."""
    blueprint = Blueprint("cancel_round", __name__)

    def v4(method: str) -> Any:
        if method.lower() != "cancelround":
            abort(404)
        try:
            answered = read_v4(cancellation, keys)
        except RefusedError as error:
            status, code, message = V4_ERRORS[error.code]
            return jsonify(error={"code": code, "message": message.format(field=error.field)}), status
        return jsonify(error=0, description="Success") if answered else hang_up()

    def v402(method: str) -> Any:
        if method.lower() != "cancelround":
            abort(404)
        try:
            answered, round_id = read_v402(cancellation, keys)
        except RefusedError as error:
            return refusal(error)
        return jsonify(error=0, description="Success", roundId=round_id) if answered else hang_up()

    blueprint.add_url_rule("/V4/<method>", view_func=v4, methods=["POST"])
    blueprint.add_url_rule(f"{v402_prefix}/<method>", view_func=v402, methods=["POST"])
    return blueprint


def hang_up() -> Response:
    """Return what makes the server close the connection without an answer."""

    def never() -> Iterator[bytes]:
        raise ConnectionAbortedError
        yield b""

    return Response(never())


def refusal(error: RefusedError) -> Response:
    """Write a refusal as v4.02 and the reads of history do."""
    return jsonify(error=int(error.code), description=V402_ERRORS[error.code].format(field=error.field))


def read_v4(cancellation: Cancellation, keys: Keys) -> bool:
    """Take the current request as V4's CancelRound, and return whether it is to be answered.

    Raises:
        RefusedError: it is none, or refused.

    """
    named = same(keys.partner_id, request.args.get("MEMB_ID", ""))
    if not (same(keys.token, request.args.get("HASH", "")) and named):
        raise RefusedError("54")
    members = read_body()
    if not hash_valid(keys, members):
        raise RefusedError("54")
    fields = read_fields(members, ("secureLogin", "externalPlayerId", "gameId"), ("roundId",))
    if not same(keys.partner_id, fields["secureLogin"]):
        raise RefusedError("54")
    return _cancel(cancellation, fields["externalPlayerId"], fields.get("roundId"), fields["gameId"])


def read_v402(cancellation: Cancellation, keys: Keys) -> tuple[bool, str]:
    """Take the current request as v4.02's CancelRound, and return whether it is to be answered, and the round's id.

    Raises:
        RefusedError: it is none, or refused.

    """
    fields = read_fields(read_body(), ("secureLogin", "userId", "roundId", "token", "uuid"), ("gameId",))
    if not token_valid(keys, fields):
        raise RefusedError("54")
    answered = _cancel(cancellation, fields["userId"], fields["roundId"], fields.get("gameId"))
    return answered, fields["roundId"]


def _cancel(cancellation: Cancellation, user_id: str, round_id: str | None, game_id: str | None) -> bool:
    try:
        answered = cancellation.cancel(user_id, round_id, game_id)
    except RefusedError as error:
        cancellation.tell(f"{error.code} {V402_ERRORS[error.code]}", user_id, round_id)
        raise
    cancellation.tell("0 Success" if answered else "taken, and the answer lost", user_id, round_id)
    return answered
