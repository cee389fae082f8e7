"""Cancelling one round: what it will do, the reason, and how it goes."""

from typing import Any

from flask import Flask, abort
from sqlalchemy import Engine
from wtforms import HiddenField, StringField
from wtforms.validators import Length, Optional

from wallet_service.admin.asking import Asking, BusyError
from wallet_service.admin.forms import ACTS, WhyForm, add_pages, asked_for, form_status, is_there, text_of
from wallet_service.admin.guard import person
from wallet_service.admin.pages import go_to, show
from wallet_service.admin.seen import CHANGED, figures_of, show_again
from wallet_service.ledger.cancellation_reads import CancellationRow, cancellation_of
from wallet_service.ledger.outcomes import Outcome
from wallet_service.ledger.reads import open_reviews, wallets_of
from wallet_service.ledger.round_reads import RoundRow, round_of

__all__ = ["AWAITED", "cancel_routes"]

AWAITED = frozenset({"requested", "accepted"})
"""States of a cancellation that go on by themselves."""


class CancelForm(WhyForm):
    """Cancels a round. ``seen`` is the attempt before it, so that the form, sent twice, asks once.

    ``figures`` are what the page said of the round.
    """

    game = StringField("Game", [Optional(), Length(max=32)], render_kw={"autocomplete": "off"})
    seen = HiddenField(validators=[is_there])
    figures = HiddenField(validators=[is_there])


def cancel_routes(app: Flask, reads: Engine, asking: Asking) -> None:
    """Add the routes."""
    views = CancelPages(reads, asking)
    add_pages(app, ACTS, cancel=("/cancel", views.cancel))
    add_pages(app, ["GET"], cancel_progress=("/cancel/progress", views.progress))


class CancelPages:
    """The views."""

    def __init__(self, reads: Engine, asking: Asking) -> None:
        """Show what ``reads`` has; ask through ``asking``, which says itself why it cannot."""
        self._reads = reads
        self._asking = asking

    def cancel(self) -> Any:
        """Show what cancelling the round will do, and ask for it."""
        user_id, round_id = asked_for("user"), asked_for("round")
        with self._reads.connect() as connection:
            if not wallets_of(connection, user_id):
                abort(404, f"There is no player {user_id}.")
            the_round = round_of(connection, user_id, round_id)
            record = cancellation_of(connection, user_id, round_id, None)
        seen, figures, is_stale = _attempt(record), figures_of(the_round), False
        form = CancelForm(data={"seen": seen, "figures": figures, "game": (the_round and the_round.game_id) or ""})
        if not self._asking.problem and form.validate_on_submit():
            is_asked = record is not None and text_of(form.seen) != seen  # by this form before, or by somebody else
            is_stale = not is_asked and (text_of(form.seen), text_of(form.figures)) != (seen, figures)
            if is_asked or (not is_stale and self._asked(user_id, round_id, form)):
                return go_to("cancel_progress", user=user_id, round=round_id)
        form.seen.data, form.figures.data = seen, figures
        data = {
            "user_id": user_id,
            "round_id": round_id,
            "round": the_round,
            "returns": the_round.staked - the_round.cancelled - the_round.refunded if the_round else None,
            "warnings": warnings_about(the_round, record),
            "cancellation": record,
            "problem": self._asking.problem,
            "form": form,
        }
        return show_again("cancel", data, CHANGED) if is_stale else show("cancel", data, form_status())

    def _asked(self, user_id: str, round_id: str, form: CancelForm) -> bool:
        game_id = text_of(form.game) or None
        try:
            receipt = self._asking.cancel(user_id, round_id, game_id, by_whom=person().by_whom, why=text_of(form.why))
        except ValueError as error:
            form.game.errors = [f"Lucky Monaco cannot be asked: {error}."]
        except BusyError as error:
            form.why.errors = [str(error)]
        else:
            if receipt.outcome is not Outcome.PLAYER_UNKNOWN:
                return True
            form.why.errors = ["There is no such player any more."]
        return False

    def progress(self) -> Any:
        """Show how a round's cancellation goes."""
        user_id, round_id = asked_for("user"), asked_for("round")
        with self._reads.connect() as connection:
            record = cancellation_of(connection, user_id, round_id, None)
            the_round = round_of(connection, user_id, round_id)
            waiting = [row for row in open_reviews(connection, user_id=user_id) if row.round_id == round_id]
            wallets = wallets_of(connection, user_id)
        if record is None and (the_round is None or the_round.state != "refunded"):
            abort(404, f"Nobody has asked for the cancellation of round {round_id} of {user_id}.")
        state = record.state if record else "refunded"
        data = {
            "user_id": user_id,
            "round_id": round_id,
            "state": state,
            "awaited": state in AWAITED and not waiting,
            "stamp": f"{_attempt(record)} {state} {len(waiting)}",
            "cancellation": record,
            "round": the_round,
            "reviews": waiting,
            "wallets": wallets,
        }
        return show("cancel_progress", data)


def warnings_about(the_round: RoundRow | None, record: CancellationRow | None) -> list[str]:
    """Say what is unusual about cancelling this round."""
    warnings = []
    if the_round is None:
        warnings.append("The wallet has no bet in this round: a refund moves nothing, and a later bet is refused.")
    elif the_round.state == "refunded":
        warnings.append("The round is refunded already: nobody will be asked.")
    elif the_round.state in {"settled", "ended"}:
        warnings.append(f"The round is {the_round.state}: its refund may wait in the review queue for a decision.")
    elif the_round.is_void:
        warnings.append("Each bet of the round was cancelled: there is no stake to return.")
    if record and record.state in AWAITED:
        warnings.append(f"It was asked for already by {record.by_whom}: nobody will be asked again.")
    return warnings


def _attempt(record: CancellationRow | None) -> str:
    return f"{record.id}:{record.attempts}" if record else ""
