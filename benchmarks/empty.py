"""The least a Flask view can do: answer a constant, of the length of a refund's answer."""

from flask import Flask, Response

ANSWER = '{"transactionId": "00000000-0000-7000-8000-000000000000", "error": 0, "description": "Success"}'


def create() -> Flask:
    """Return the application."""
    app = Flask(__name__, static_folder=None)

    def view(call: str) -> Response:  # noqa: ARG001 - the path names it
        return Response(ANSWER, mimetype="application/json")

    app.add_url_rule("/v4/<call>", view_func=view, methods=["POST"])
    return app
