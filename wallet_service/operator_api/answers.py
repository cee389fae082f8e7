"""What the operator API answers: every outcome as an HTTP status."""

from http import HTTPStatus

from wallet_service.ledger.outcomes import Outcome

__all__ = ["STATUS"]

STATUS: dict[Outcome, HTTPStatus] = {
    Outcome.CREDENTIALS_WRONG: HTTPStatus.UNAUTHORIZED,
    Outcome.INVALID_PARAMETER: HTTPStatus.BAD_REQUEST,
    Outcome.INVALID_AMOUNT: HTTPStatus.BAD_REQUEST,
    Outcome.EMPTY_FIELD: HTTPStatus.BAD_REQUEST,
    Outcome.CURRENCY_UNKNOWN: HTTPStatus.BAD_REQUEST,
    Outcome.PLAYER_UNKNOWN: HTTPStatus.NOT_FOUND,
    Outcome.WALLET_UNKNOWN: HTTPStatus.NOT_FOUND,
    Outcome.WALLET_EXISTS: HTTPStatus.CONFLICT,
    Outcome.REFERENCE_REUSED: HTTPStatus.CONFLICT,
    Outcome.INSUFFICIENT_BALANCE: HTTPStatus.CONFLICT,
    Outcome.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Outcome.REPLAYED: HTTPStatus.OK,
    Outcome.APPLIED: HTTPStatus.OK,
}
"""The outcomes that these calls can have."""
