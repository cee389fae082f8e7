"""What the desk's forms have in common: who may send them without a CSRF token, and the reason that each asks for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Flask, abort, g, request
from flask_wtf import FlaskForm
from wtforms import Field, Form, StringField
from wtforms.validators import InputRequired, Length, StopValidation, ValidationError

from wallet_service.admin.pages import SUFFIX
from wallet_service.names import is_name

__all__ = [
    "ACTS",
    "MAX_NAME",
    "DeskForm",
    "WhyForm",
    "add_pages",
    "asked_for",
    "form_status",
    "is_there",
    "one_line",
    "text_of",
]

ACTS = ("GET", "POST")
"""Methods of a page with a form."""
MAX_REASON = 500
MAX_NAME = 64
"""Characters of a name in an address; the contract's own are shorter."""


class DeskForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A form for people, with a CSRF token, and for scripts, whose token no other site can send."""

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        """Read what was sent, and nothing else; a form that nobody sent yet is as in ``data``."""
        super().__init__(meta={"csrf": not g.person.is_script}, data=None if request.method == "POST" else data)


def is_there(_form: Form, field: Field) -> None:
    """Check that a field was sent, be it empty: what a form was made from says whether it was acted on before.

    Raises:
        StopValidation: it was not.

    """
    if not field.raw_data:
        raise StopValidation(f"The field {field.name} is missing: send it as the form has it.")


def one_line(_form: Form, field: Field) -> None:
    """Check that a text is one line of printable characters.

    Raises:
        ValidationError: it is not.

    """
    if not field.data.strip() or not field.data.isprintable():
        raise ValidationError("Say it in one line of printable characters.")


class WhyForm(DeskForm):
    """A form that does something, and so asks why; the answer is kept for ever."""

    why = StringField(
        "Reason",
        [InputRequired("Say why."), Length(max=MAX_REASON), one_line],
        description="One line, kept for ever in the action log.",
        render_kw={"autocomplete": "off", "maxlength": MAX_REASON},
    )


def text_of(field: Field) -> str:
    """Return what was typed; without blanks around it, which nobody sees."""
    return str(field.data or "").strip()


def form_status() -> int:
    """Return the status of a page that shows its form: it is wrong where what was sent could not be taken."""
    return 422 if request.method == "POST" else 200


def add_pages(app: Flask, methods: Sequence[str], **views: tuple[str, Callable[[], Any]]) -> None:
    """Add a path and its view under each endpoint's name, and the same as JSON."""
    for endpoint, (path, view) in views.items():
        for suffix in ("", SUFFIX):
            app.add_url_rule(path + suffix, endpoint, view, methods=list(methods))


def asked_for(name: str) -> str:
    """Return what the address names, such as the player.

    Raises:
        NotFound: it names nothing that could be one.

    """
    value = request.args.get(name, "")
    if not is_name(value, MAX_NAME):
        abort(404, f"The address names no {name}.")
    return value
