"""A trace of each call, at a collector: Lucky Monaco's uuid is in it, and no secret."""

from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conftest import SECRETS

BALANCE = {"providerId": "LM", "sessionId": "s", "currency": "USD"}


class Collector(ThreadingHTTPServer):
    """Takes spans over HTTP, and keeps them."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Take)
        self.bodies: Queue[bytes] = Queue()
        self.url = f"http://127.0.0.1:{self.server_port}/v1/traces"
        Thread(target=self.serve_forever, args=(0.05,)).start()

    def spans(self, number):
        """Wait for so many."""
        found: list[Any] = []
        while len(found) < number:
            request = ExportTraceServiceRequest.FromString(self.bodies.get(timeout=30))
            found += [
                span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
            ]
        return found


class Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self):
        self.server.bodies.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    server = Collector()
    yield server
    server.shutdown()
    server.server_close()


def told(span):
    return {attribute.key: attribute.value.string_value for attribute in span.attributes}


def test_each_call_is_a_span_with_lucky_monaco_s_uuid(collector, new_service, player):
    service = new_service(WALLET_TRACES_URL=collector.url)
    fields = [{**BALANCE, "userId": player.user_id, "uuid": f"their-{number}"} for number in range(5)]
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda body: service.v4_02("Balance", body), fields))
    assert [answer.json()["error"] for answer in answers] == [0] * 5
    spans = collector.spans(5)
    assert {span.name for span in spans} == {"v4.02 Balance"}
    assert {told(span)["wallet.uuid"] for span in spans} == {body["uuid"] for body in fields}
    for span in spans:
        facts = told(span)
        assert (facts["wallet.user_id"], facts["wallet.outcome"]) == (player.user_id, "applied")
        assert span.start_time_unix_nano < span.end_time_unix_nano
        assert len(span.trace_id) == 16
    assert not [secret for secret in SECRETS.values() if secret in str(spans)]


def test_a_call_belongs_to_its_caller_s_trace(collector, new_service, player):
    service = new_service(WALLET_TRACES_URL=collector.url)
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    service.http.headers["traceparent"] = f"00-{trace}-{parent}-01"
    service.v4_02("Balance", {**BALANCE, "userId": player.user_id, "uuid": "u"})
    [span] = collector.spans(1)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace, parent)


def test_a_collector_that_is_away_keeps_no_call(new_service, player):
    service = new_service(WALLET_TRACES_URL="http://127.0.0.1:1/v1/traces")
    answer = service.v4_02("Balance", {**BALANCE, "userId": player.user_id, "uuid": "u"})
    assert answer.json()["error"] == 0
    assert service.stop() == 0
