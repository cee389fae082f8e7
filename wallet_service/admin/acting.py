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
from wallet_service.admin.forms import ACTS, WhyForm, add_pages, asked_for, form_status, is_there, text_of
from wallet_service.admin.guard import person
from wallet_service.admin.pages import go_to, show, wants_json
from wallet_service.admin.roles import Role
from wallet_service.admin.seen import CHANGED, figures_of, show_again
from wallet_service.ledger.calls import DecideReview, SetPlayerState
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.outcomes import Outcome
from wallet_service.ledger.reads import wallets_of
from wallet_service.ledger.round_reads import round_of
from wallet_service.names import has_controls

__all__ = ["acting_routes"]

CLOSED = "Nothing was done: the review was closed by a refund or a payment that came."
UNDECIDABLE = {
    Outcome.WALLET_UNKNOWN: "The player has no wallet to refund to.",
    Outcome.ROUND_REFUNDED: "The round is refunded already. Leave it as it is.",
    Outcome.REVERSAL_NOT_COVERED: "The wallet does not hold the wins that a refund takes back.",
}


class FreezeForm(WhyForm):
    """Freezes a player, or lifts that. ``seen`` is the change before it, if there was one."""

    state = HiddenField(validators=[is_there, AnyOf(["frozen", "active"])])
    seen = HiddenField(validators=[is_there])


class DecideForm(WhyForm):
    """Decides a review. ``seen`` is what the page said of the round."""

    decision = RadioField(
        "Decision",
        [InputRequired("Say which.")],
        choices=[("refund", "Refund the round whole; its wins are taken back"), ("leave", "Leave it as it is")],
    )
    seen = HiddenField(validators=[is_there])


def acting_routes(app: Flask, reads: Engine, ledger: Ledger) -> None:
    """Add the routes."""
    acting = Acting(reads, ledger)
    add_pages(app, ACTS, freeze=("/freeze", acting.freeze), decide=("/decide", acting.decide))
    add_pages(app, ["GET"], action_page=("/action", acting.action_page))


class Acting:
    """The views."""

    def __init__(self, reads: Engine, ledger: Ledger) -> None:
        """Show what ``reads`` has; act through ``ledger`` alone."""
        self._reads = reads
        self._ledger = ledger

    def freeze(self) -> Any:
        """Freeze a player, or lift that."""
        user_id = asked_for("user")
        before, seen = self._freezing(user_id)
        form = FreezeForm(data={"state": _opposite(before["state"]), "seen": seen})
        is_sent, sent = form.validate_on_submit(), text_of(form.seen)
        if is_sent and sent == seen:
            wanted: Literal["frozen", "active"] = "frozen" if form.state.data == "frozen" else "active"
            self._ledger.apply(SetPlayerState(user_id, wanted, person().by_whom, text_of(form.why)))
        now, seen = self._freezing(user_id)
        form.state.data, form.seen.data = _opposite(now["state"]), seen
        data = {"user_id": user_id, "state": now["state"], "wallets": now["wallets"], "form": form}
        if not is_sent:
            return show("freeze", data, form_status())
        changed = _next_change(now["changes"], sent)
        if changed:
            return go_to_action(changed, "freeze", data)
        already = f"Nothing was done: the player is {now['state']} already."
        return show_again("freeze", data, already if sent == seen else CHANGED)

    def _freezing(self, user_id: str) -> tuple[dict[str, Any], str]:
        """Return what there is to know before a player is frozen, and what of it a form carries."""
        with self._reads.connect() as connection:
            wallets, changes = wallets_of(connection, user_id), state_changes_of(connection, user_id)
        if not wallets:
            abort(404, f"There is no player {user_id}.")
        last = str(changes[-1].id) if changes else ""
        return {"state": wallets[0].state, "wallets": wallets, "changes": changes}, last

    def decide(self) -> Any:
        """Decide a review."""
        before = self._deciding()
        form = DecideForm(data={"seen": figures_of(before["round"])})
        is_sent = before["review"].closed_at is None and form.validate_on_submit()
        is_stale = text_of(form.seen) != figures_of(before["round"])
        if is_sent and not is_stale:
            receipt = self._ledger.apply(_decision(before["review"], form))
            if receipt.outcome in UNDECIDABLE:
                form.decision.errors = [UNDECIDABLE[receipt.outcome]]
        now = self._deciding()
        form.seen.data = figures_of(now["round"])
        data = {**now, "form": form}
        if request.method == "POST" and now["review"].closed_at:  # by this form, or somebody was faster
            decision = now["decision"]
            return go_to_action(decision, "decide", data) if decision else show_again("decide", data, CLOSED)
        return show_again("decide", data, CHANGED) if is_sent and is_stale else show("decide", data, form_status())

    def _deciding(self) -> dict[str, Any]:
        """Return what there is to know about the review that the address names."""
        review = self._review()
        with self._reads.connect() as connection:
            return {
                "review": review,
                "round": round_of(connection, review.user_id, review.round_id),
                "wallets": wallets_of(connection, review.user_id),
                "decision": decision_of(connection, review),
            }

    def _review(self) -> ReviewState:
        key = asked_for("user"), asked_for("round"), asked_for("reason"), request.args.get("reference", "")
        with self._reads.connect() as connection:
            review = None if has_controls(key[3]) else review_of(connection, *key)
        return review or abort(404, "There is no such review.")

    def action_page(self) -> Any:
        """Show an entry of the action log."""
        action_id = request.args.get("id", type=UUID)
        user_id = asked_for("user") if request.args.get("user") else ""
        with self._reads.connect() as connection:
            action = action_of(connection, user_id, action_id) if action_id else None
            the_round = round_of(connection, user_id, action.round_id) if action and action.round_id else None
        if action is None or (action.kind == ACCOUNT_ENTRY and not person().may(Role.ADMIN)):
            abort(404, "The action log has no such entry.")
        # Decisions of an earlier release do not name their currency, which is the round's.
        return show("action", {"action": action, "currency": the_round.currency if the_round else ""})


def go_to_action(action: ActionRow, template: str, data: dict[str, Any]) -> Any:
    """Go to the page of a log's entry, and say so where it is somebody else's; a script is told at once (409)."""
    if action.by_whom != person().by_whom:
        text = f"Nothing was done: {action.by_whom} was faster."
        if wants_json():
            return show_again(template, {**data, "action": action}, text)
        flash(text, "warning")
    return go_to("action_page", user=action.user_id or None, id=action.id)


def _opposite(state: str) -> str:
    return "active" if state == "frozen" else "frozen"


def _decision(review: ReviewState, form: DecideForm) -> DecideReview:
    by_whom, why = person().by_whom, text_of(form.why)
    sent = json.dumps({"by": by_whom, "why": why})
    key = (review.user_id, review.round_id, review.reason, review.reference)
    return DecideReview(*key, form.decision.data, by_whom, why, sent)


def _next_change(changes: list[ActionRow], seen: str) -> ActionRow | None:
    """Return the change that came after the one seen, or after none; there is none after what never was."""
    ids = ["", *(str(change.id) for change in changes)]
    later = changes[ids.index(seen) :] if seen in ids else []
    return later[0] if later else None
