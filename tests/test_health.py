"""Alive and ready."""

import pytest
from flask import Flask

from wallet_service.database import create_wallet_engine
from wallet_service.health import health_blueprint


def test_alive_and_ready(service):
    assert service.http.get("/healthz").json() == {"status": "ok"}
    assert service.http.get("/readyz").json() == {"status": "ready"}


@pytest.fixture
def ask():
    engines = []

    def get(url, path):
        engines.append(create_wallet_engine(url, connections=1))
        app = Flask("test")
        app.register_blueprint(health_blueprint(engines[-1]))
        return app.test_client().get(path)

    yield get
    for engine in engines:
        engine.dispose()


def test_not_ready_without_the_schema(new_database, ask):
    url = new_database()
    answer = ask(url, "/readyz")
    assert (answer.status_code, answer.json["status"]) == (503, "unavailable")
    assert "run: wallet-service migrate" in answer.json["reason"]
    assert ask(url, "/healthz").status_code == 200


def test_not_ready_without_a_database_and_no_word_of_where_it_is(ask):
    answer = ask("postgresql://somebody:pass@127.0.0.1:1/d", "/readyz")
    assert (answer.status_code, answer.json["reason"]) == (503, "the database cannot be reached")
