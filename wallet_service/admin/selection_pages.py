"""Cancelling a selection of rounds: what it will do, the reason, and how it goes."""

import json
from typing import Any
from uuid import UUID, uuid4

from flask import Flask, abort, request
from sqlalchemy import Engine
from wtforms import HiddenField, validators

from wallet_service.admin.asking import Asking, BusyError
from wallet_service.admin.fitting import UnfitError, rounds_that_fit
from wallet_service.admin.forms import ACTS, MAX_NAME, WhyForm, add_pages, form_status, is_there, text_of
from wallet_service.admin.guard import person
from wallet_service.admin.pages import go_to, show
from wallet_service.admin.seen import CHANGED, digest_of, show_again
from wallet_service.admin.selections import (
    Preview,
    preview_of,
    progress_of,
    record_selection,
    selection_of,
)
from wallet_service.ledger.round_reads import RoundKey, rounds_named
from wallet_service.names import is_name

__all__ = ["MAX_SELECTION", "selection_routes"]

MAX_SELECTION = 1000
"""Rounds."""
SHOWN = 50
"""Of them, in the preview."""


class SelectionForm(WhyForm):
    """Cancels the chosen rounds. ``key`` is the form's own: sent twice, it acts once; ``seen`` is what it showed."""

    key = HiddenField(validators=[is_there, validators.UUID()])
    seen = HiddenField(validators=[is_there])


def selection_routes(app: Flask, engine: Engine, asking: Asking) -> None:
    """Add the routes."""
    views = SelectionPages(engine, asking)
    add_pages(app, ACTS, cancel_selection=("/cancel-selection", views.cancel_selection))
    add_pages(app, ["GET"], selection_progress=("/cancel-selection/progress", views.progress))


class SelectionPages:
    """The views."""

    def __init__(self, engine: Engine, asking: Asking) -> None:
        """Show what the engine's database has, and enter selections into its action log."""
        self._engine = engine
        self._asking = asking

    def cancel_selection(self) -> Any:
        """Show what cancelling the chosen rounds will do, and begin with it.

        Each is a field ``round``; or ``fitting`` has a list's filters, and all open rounds that fit are chosen. What is
        confirmed is what was shown: by then, the rounds have their names.
        """
        is_confirmed = bool(request.form.get("confirmed"))
        fitting = None if is_confirmed else request.form.get("fitting")
        (keys, none), unfit = chosen_rounds(request.form.getlist("round")), ""
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            if fitting is not None:
                try:
                    keys = rounds_that_fit(connection, fitting, MAX_SELECTION)
                except UnfitError as error:
                    keys, unfit = [], str(error)
            too_many = len(keys) > MAX_SELECTION
            preview = preview_of(connection, [] if too_many else keys, self._asking.objection)
        form, seen, is_stale = SelectionForm(), digest_of(preview.rounds), False
        if is_confirmed:
            if form.validate_on_submit():
                if self._is_known(form) or (text_of(form.seen) == seen and self._begun(form, preview)):
                    return go_to("selection_progress", id=UUID(text_of(form.key)))
                is_stale = text_of(form.seen) != seen
            form.seen.data = seen
            if form.key.errors:
                form.key.data = str(uuid4())
        else:
            form.process(data={"key": str(uuid4()), "seen": seen})
        data = {
            "chosen": len(keys) + none,
            "too_many": too_many,
            "fitted": fitting is not None,
            "unfit": unfit,
            "most": MAX_SELECTION,
            "rounds": preview.rounds,
            "shown": SHOWN,
            "returns": preview.returns,
            "settled": preview.settled,
            "left_out": preview.left_out | ({"no name of a round": none} if none else {}),
            "problem": self._asking.problem,
            "form": form,
        }
        if is_stale:
            return show_again("selection", data, CHANGED)
        return show("selection", data, form_status() if form.errors or too_many or unfit else 200)

    def _is_known(self, form: SelectionForm) -> bool:
        """Tell whether the form was sent before."""
        with self._engine.connect() as connection:
            return selection_of(connection, UUID(text_of(form.key))) is not None

    def _begun(self, form: SelectionForm, preview: Preview) -> bool:
        by_whom, why, selection_id = person().by_whom, text_of(form.why), UUID(text_of(form.key))
        if self._asking.problem or not preview.rounds:
            return False
        keys = [the_round.key for the_round in preview.rounds]

        def record() -> bool:
            return record_selection(self._engine, selection_id, keys, by_whom=by_whom, why=why)

        try:
            self._asking.cancel_selection(selection_id, preview.rounds, record, by_whom=by_whom, why=why)
        except BusyError as error:
            form.why.errors = [str(error)]
            return False
        return True

    def progress(self) -> Any:
        """Show how the cancellations of a selection go."""
        selection_id = request.args.get("id", type=UUID)
        with self._engine.connect() as connection:
            selection = selection_of(connection, selection_id) if selection_id else None
            if selection is None:
                abort(404, "There is no such selection of rounds.")
            progress = progress_of(connection, selection)
            known = rounds_named(connection, selection.rounds)
        rows = [
            {
                "user_id": key[0],
                "round_id": key[1],
                "state": state,
                "currency": known[key].currency if key in known else None,
                "stake": known[key].staked - known[key].cancelled if key in known else None,
            }
            for key, state in progress.states.items()
        ]
        data = {
            "selection": {"id": selection.id, "by_whom": selection.by_whom, "why": selection.why, "at": selection.at},
            "rounds": rows,
            "counts": progress.counts,
            "total": progress.total,
            "asked": progress.asked,
            "stopped": progress.is_stopped,
            "awaited": not progress.is_over and not progress.is_stopped,
            "stamp": f"{progress.is_over} {progress.is_stopped} {sorted(progress.counts)}",
        }
        return show("selection_progress", data)


def chosen_rounds(values: list[str]) -> tuple[list[RoundKey], int]:
    """Read the chosen rounds, each a player and a round as JSON, without doubles; tell how many values are none."""
    keys: dict[RoundKey, None] = {}
    none = 0
    for value in values:
        try:
            read = json.loads(value)
        except (ValueError, RecursionError):
            read = None
        match read:
            case [str(user_id), str(round_id)] if is_name(user_id, MAX_NAME) and is_name(round_id, MAX_NAME):
                keys[user_id, round_id] = None
            case _:
                none += 1
    return list(keys), none
