"""Adding money to a wallet by hand, or taking it: a form, a preview, and once per form the adjustment."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from flask import Flask, abort, request
from psycopg.errors import NumericValueOutOfRange
from sqlalchemy import Engine
from sqlalchemy.exc import DataError
from wtforms import Field, Form, HiddenField, RadioField, SelectField, StringField, validators
from wtforms.validators import InputRequired, Length, ValidationError

from wallet_service.admin.forms import ACTS, WhyForm, add_pages, asked_for, form_status, text_of
from wallet_service.admin.guard import person
from wallet_service.admin.pages import go_to, show
from wallet_service.ledger.calls import Adjust
from wallet_service.ledger.ledger import Ledger
from wallet_service.ledger.money import BALANCE_LIMIT, ZERO, parse_money
from wallet_service.ledger.outcomes import Outcome, Receipt
from wallet_service.ledger.reads import WalletRow, wallets_of

__all__ = ["adjusting_routes"]

NOT_COVERED = "The wallet does not hold as much."
TOO_MUCH = f"No wallet can hold as much: a balance has at most {BALANCE_LIMIT.adjusted()} digits before the point."
REFUSED = {
    Outcome.INSUFFICIENT_BALANCE: NOT_COVERED,
    Outcome.REFERENCE_REUSED: "This form was sent before, with other values. Open a new one.",
}


def an_amount(_form: Form, field: Field) -> None:
    """Check that a text is an amount above zero.

    Raises:
        ValidationError: it is not.

    """
    try:
        amount = parse_money(text_of(field))
    except ValueError as error:
        raise ValidationError(f"This is no amount such as 12.50: {error}.") from None
    if not amount:
        raise ValidationError("Name an amount above zero.")


class AdjustForm(WhyForm):
    """Adds or takes money. ``key`` is the form's own: sent twice, it adjusts once."""

    kind = RadioField("What", [InputRequired("Say which.")], choices=[("credit", "Add money"), ("debit", "Take money")])
    currency = SelectField("Wallet", [InputRequired()])
    amount = StringField(
        "Amount",
        [InputRequired("Name an amount."), Length(max=40), an_amount],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    key = HiddenField(validators=[InputRequired(), validators.UUID()])

    @property
    def movement(self) -> Decimal:
        """The amount as the wallet sees it; nothing, while it is none."""
        if self.amount.errors or not self.amount.data:
            return ZERO
        amount = parse_money(text_of(self.amount))
        return -amount if self.kind.data == "debit" else amount


def adjusting_routes(app: Flask, reads: Engine, ledger: Ledger) -> None:
    """Add the route."""

    def adjust() -> Any:
        user_id = asked_for("user")
        with reads.connect() as connection:
            wallets = {wallet.currency: wallet for wallet in wallets_of(connection, user_id)}
        if not wallets:
            abort(404, f"There is no player {user_id}.")
        form = AdjustForm(data={"key": str(uuid4())})
        form.currency.choices = [(currency, currency) for currency in wallets]
        preview = None
        if form.validate_on_submit():
            preview = _preview(wallets[form.currency.data], form.movement)
            if request.form.get("confirmed"):
                receipt = _applied(ledger, _adjustment(user_id, form))
                if receipt and receipt.outcome in {Outcome.APPLIED, Outcome.REPLAYED}:
                    return go_to("action_page", user=user_id, id=receipt.transaction_id)
                form.amount.errors = [REFUSED[receipt.outcome] if receipt else TOO_MUCH]
            elif preview["after"] < 0:
                form.amount.errors = [NOT_COVERED]
            elif preview["after"] >= BALANCE_LIMIT:
                form.amount.errors = [TOO_MUCH]
            if form.amount.errors:
                preview = None
        if form.key.errors:
            form.key.data = str(uuid4())
        data = {"user_id": user_id, "wallets": list(wallets.values()), "preview": preview, "form": form}
        return show("adjust", data, 200 if preview else form_status())

    add_pages(app, ACTS, adjust=("/adjust", adjust))


def _applied(ledger: Ledger, call: Adjust) -> Receipt | None:
    """Return how the call ended; ``None`` where the balance would have more digits than the database has room for."""
    try:
        return ledger.apply(call)
    except DataError as error:
        if isinstance(error.orig, NumericValueOutOfRange):
            return None
        raise


def _preview(wallet: WalletRow, movement: Decimal) -> dict[str, Any]:
    return {
        "currency": wallet.currency,
        "before": wallet.balance,
        "movement": movement,
        "after": wallet.balance + movement,
    }


def _adjustment(user_id: str, form: AdjustForm) -> Adjust:
    by_whom, why = person().by_whom, text_of(form.why)
    sent = json.dumps({"by": by_whom, "why": why})
    key = str(UUID(text_of(form.key)))  # it has several spellings, and the ledger compares texts
    return Adjust(user_id, form.kind.data, form.currency.data, key, abs(form.movement), by_whom, why, sent)
