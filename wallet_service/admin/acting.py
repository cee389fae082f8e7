"""Acting on a player or a review: freeze, unfreeze, decide. Each ends on the page of its entry in the action log.

A form carries what its page was made from (``seen``, the last change before it; of a review, its key). What has been
changed since is not changed again: a form that is sent twice acts once, and shows what it did.
"""

import json
from typing import Any, Literal
from uuid import UUID

from flask import Flask, abort, flash, request
from sqlalchemy import Engine
from wtforms import HiddenField, RadioField
from wtforms.validators import AnyOf, InputRequired

from wallet_service.admin.account_log import ACCOUNT_ENTRY
from wallet_service.admin.action_reads import (
    ActionRow,
    ReviewState,
    action_of,
    decision_of,
    review_of,
    state_changes_of,
)
from wallet_service.admin.forms import ACTS, WhyForm, add_pages, asked_for, form_status, text_of
from wallet_service.admin.guard import person
from wallet_service.admin.pages import go_to, show
from wallet_service.admin.roles import Role
from wallet_service.ledger.calls import DecideReview, SetPlayerState
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.outcomes import Outcome
from wallet_service.ledger.reads import wallets_of
from wallet_service.ledger.round_reads import round_of

__all__ = ["acting_routes"]

UNDECIDABLE = {
    Outcome.WALLET_UNKNOWN: "The player has no wallet to refund to.",
    Outcome.ROUND_REFUNDED: "The round is refunded already. Leave it as it is.",
    Outcome.REVERSAL_NOT_COVERED: "The wallet does not hold the wins that a refund takes back.",
}


class FreezeForm(WhyForm):
    """Freezes a player, or lifts that."""

    state = HiddenField(validators=[AnyOf(["frozen", "active"])])
    seen = HiddenField()


class DecideForm(WhyForm):
    """Decides a review."""

    decision = RadioField(
        "Decision",
        [InputRequired("Say which.")],
        choices=[("refund", "Refund the round whole; its wins are taken back"), ("leave", "Leave it as it is")],
    )


def acting_routes(app: Flask, reads: Engine, ledger: Ledger) -> None:
    """Add the routes."""
    acting = Acting(reads, ledger)
    add_pages(app, ACTS, freeze=("/freeze", acting.freeze), decide=("/decide", acting.decide))
    add_pages(app, ["GET"], action_page=("/action", acting.action_page))


class Acting:
    """The views."""

    def __init__(self, reads: Engine, ledger: Ledger) -> None:
        self._reads = reads
        self._ledger = ledger

    def freeze(self) -> Any:
        """Freeze a player, or lift that."""
        user_id = asked_for("user")
        with self._reads.connect() as connection:
            wallets, changes = wallets_of(connection, user_id), state_changes_of(connection, user_id)
        if not wallets:
            abort(404, f"There is no player {user_id}.")
        state, seen = wallets[0].state, str(changes[-1].id) if changes else ""
        form = FreezeForm(data={"state": "active" if state == "frozen" else "frozen", "seen": seen})
        if not form.validate_on_submit():
            data = {"user_id": user_id, "state": state, "wallets": wallets, "form": form}
            return show("freeze", data, form_status())
        if text_of(form.seen) == seen:
            wanted: Literal["frozen", "active"] = "frozen" if form.state.data == "frozen" else "active"
            self._ledger.apply(SetPlayerState(user_id, wanted, person().by_whom, text_of(form.why)))
        with self._reads.connect() as connection:
            changed = _next_change(state_changes_of(connection, user_id), text_of(form.seen))
        if changed is None:
            abort(409, "The player's state is another one by now. Look again.")
        return go_to_action(changed)

    def decide(self) -> Any:
        """Decide a review."""
        review = self._review()
        form = DecideForm()
        if review.closed_at is None and form.validate_on_submit():
            receipt = self._ledger.apply(_decision(review, form))
            if receipt.outcome in UNDECIDABLE:
                form.decision.errors = [UNDECIDABLE[receipt.outcome]]
            else:  # applied; or somebody was faster, and that is what is shown
                review = self._review()
        with self._reads.connect() as connection:
            decision = decision_of(connection, review)
            the_round = round_of(connection, review.user_id, review.round_id)
            wallets = wallets_of(connection, review.user_id)
        if decision and request.method == "POST":
            return go_to_action(decision)
        data = {"review": review, "round": the_round, "wallets": wallets, "decision": decision, "form": form}
        return show("decide", data, form_status())

    def _review(self) -> ReviewState:
        key = asked_for("user"), asked_for("round"), asked_for("reason"), request.args.get("reference", "")
        with self._reads.connect() as connection:
            review = review_of(connection, *key) if key[3].isprintable() else None
        return review or abort(404, "There is no such review.")

    def action_page(self) -> Any:
        """Show an entry of the action log."""
        action_id = request.args.get("id", type=UUID)
        user_id = asked_for("user") if request.args.get("user") else ""
        with self._reads.connect() as connection:
            action = action_of(connection, user_id, action_id) if action_id else None
        if action is None or (action.kind == ACCOUNT_ENTRY and not person().may(Role.ADMIN)):
            abort(404, "The action log has no such entry.")
        return show("action", {"action": action})


def go_to_action(action: ActionRow) -> Any:
    """Go to the page of a log's entry, and say so where it is somebody else's."""
    if action.by_whom != person().by_whom:
        flash(f"Nothing was done: {action.by_whom} was faster.", "warning")
    return go_to("action_page", user=action.user_id or None, id=action.id)


def _decision(review: ReviewState, form: DecideForm) -> DecideReview:
    by_whom, why = person().by_whom, text_of(form.why)
    sent = json.dumps({"by": by_whom, "why": why})
    key = (review.user_id, review.round_id, review.reason, review.reference)
    return DecideReview(*key, form.decision.data, by_whom, why, sent)


def _next_change(changes: list[ActionRow], seen: str) -> ActionRow | None:
    """Return the change that came after the one seen."""
    ids = [str(change.id) for change in changes]
    later = changes[ids.index(seen) + 1 :] if seen in ids else changes
    return later[0] if later else None
