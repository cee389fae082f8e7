"""The usual way to write the refund, to compare with: Flask, marshmallow, an ORM session, SELECT … FOR UPDATE, commit.

It gives the wallet's guarantees on the wallet's tables: the partner's token is checked, a round is refunded once for
ever, the wallet's count has no gap, reviews and cancellations close with the refund, and each call is logged. What is
rare (settled rounds, unknown players and rounds, several currencies) it refuses, without keeping that.
"""

import hmac
import json
import logging
import os
from datetime import UTC, datetime
from decimal import Decimal
from time import perf_counter

from flask import Flask, Response, jsonify, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from sqlalchemy import create_engine, make_url, select, update
from sqlalchemy.orm import Session, sessionmaker
from uuid_utils.compat import uuid7

from wallet_service.ledger.models import Cancellation, CancellationRound, Review, Round, Transaction, Wallet

log = logging.getLogger("usual")


class RefundSchema(Schema):
    """A Refund of v4.02."""

    class Meta:
        """What the contract does not name is let through."""

        unknown = EXCLUDE

    providerId = fields.String(required=True, validate=validate.Length(1, 32))  # noqa: N815 - the contract's name
    userId = fields.String(required=True, validate=validate.Length(1, 32))  # noqa: N815 - the contract's name
    reference = fields.String(required=True, validate=validate.Length(1, 32))
    roundId = fields.String(required=True, validate=validate.Length(1, 36))  # noqa: N815 - the contract's name
    gameId = fields.String(required=True, validate=validate.Length(1, 32))  # noqa: N815 - the contract's name
    currency = fields.String(required=True, validate=validate.Length(1, 10))
    uuid = fields.String(required=True, validate=validate.Length(1, 36))


class RefusedError(Exception):
    """The refund is not paid; the arguments are the answer's code and words."""


def create() -> Flask:
    """Return the application, over the database and for the partner of the WALLET_* variables."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    url = make_url(os.environ["WALLET_DATABASE_URL"]).set(drivername="postgresql+psycopg")
    sessions = sessionmaker(create_engine(url, pool_size=16, max_overflow=0))
    schema = RefundSchema()
    app = Flask(__name__, static_folder=None)

    def refund() -> Response:
        started = perf_counter()
        code, description, transaction_id = 0, "Success", None
        try:
            check_token()
            data = schema.load(request.get_json())
            with sessions.begin() as session:
                transaction_id = apply(session, data)
        except ValidationError as error:
            code, description = 57, str(error)
        except RefusedError as error:
            code, description = error.args
        log.info("refund %s code=%s took=%.1fms", transaction_id, code, (perf_counter() - started) * 1000)
        return jsonify(transactionId=str(transaction_id), error=code, description=description)

    app.add_url_rule("/v4/Refund", view_func=refund, methods=["POST"])
    return app


def check_token() -> None:
    """Refuse whoever is not the partner."""
    given = f"{request.args.get('MEMB_ID')}:{request.args.get('HASH')}"
    if not hmac.compare_digest(f"{os.environ['WALLET_PARTNER_ID']}:{os.environ['WALLET_PARTNER_TOKEN']}", given):
        raise RefusedError(54, "Credentials wrong")


def apply(session: Session, data: dict[str, str]) -> object:
    """Refund a round, or find that it was, and return the refund's transaction."""
    user_id, round_id = data["userId"], data["roundId"]
    wallet = session.scalar(
        select(Wallet).where(Wallet.user_id == user_id, Wallet.currency == data["currency"]).with_for_update()
    )
    the_round = session.get(Round, (user_id, round_id), with_for_update=True)
    if wallet is None or the_round is None or the_round.currency != wallet.currency:
        raise RefusedError(62, "Not found")
    if the_round.refund_id:
        return the_round.refund_id
    if the_round.state != "open":
        raise RefusedError(999, "Round is settled")
    now, amount = datetime.now(UTC), the_round.staked - the_round.cancelled
    refund_id = uuid7()
    wallet.balance += amount
    wallet.seq += 1
    the_round.state, the_round.refunded, the_round.refund_id = "refunded", amount, refund_id
    session.add(
        Transaction(
            user_id=user_id,
            id=refund_id,
            seq=wallet.seq,
            call="refund",
            currency=wallet.currency,
            round_id=round_id,
            reference=data["reference"],
            amount=Decimal(amount),
            balance=wallet.balance,
            sent=json.loads(request.get_data()),
            at=now,
        )
    )
    session.execute(
        update(Review)
        .where(Review.user_id == user_id, Review.round_id == round_id, Review.closed_at.is_(None))
        .values(closed_at=now, resolution="refunded")
    )
    waiting = session.scalars(
        select(CancellationRound).where(
            CancellationRound.user_id == user_id,
            CancellationRound.round_id == round_id,
            CancellationRound.refund_id.is_(None),
        )
    )
    for one in waiting:
        one.refund_id = refund_id
        session.execute(
            update(Cancellation)
            .where(Cancellation.user_id == user_id, Cancellation.id == one.cancellation_id)
            .values(state="refunded", due_at=None, refunded_at=now, refund_id=refund_id)
        )
    return refund_id
