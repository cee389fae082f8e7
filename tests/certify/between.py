"""A wallet that breaks promises: it stands in front of a right one, and changes what is asked or answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import httpx


@dataclass(frozen=True)
class Ask:
    method: str
    path: str
    query: str
    content_type: str
    body: bytes

    @property
    def call(self):
        return self.path.rpartition("/")[2]

    @property
    def fields(self):
        return json.loads(self.body)

    def changed(self, **fields):
        return replace(self, body=json.dumps({**self.fields, **fields}).encode())


@dataclass(frozen=True)
class Got:
    status: int
    content_type: str
    body: bytes

    @property
    def fields(self):
        return json.loads(self.body)

    @property
    def success(self):
        return self.fields.get("error") == 0

    def changed(self, **fields):
        return replace(self, body=json.dumps({**self.fields, **fields}).encode())


Forward = Callable[[Ask], Got]
Fault = Callable[[Ask, Forward], Got]


class Between(ThreadingHTTPServer):
    """Answers by ``fault``, which may forward to the right wallet at the port."""

    daemon_threads = True

    def __init__(self, port: int, fault: Fault, at: int = 0) -> None:
        super().__init__(("127.0.0.1", at), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.fault = fault
        self.wallet = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
        Thread(target=self.serve_forever, args=(0.05,)).start()

    def forward(self, ask: Ask) -> Got:
        headers = {"Content-Type": ask.content_type}
        answer = self.wallet.request(ask.method, f"{ask.path}?{ask.query}", content=ask.body, headers=headers)
        return Got(answer.status_code, answer.headers["Content-Type"], answer.content)

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self.wallet.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is written in two parts
    server: Between

    def answer(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        ask = Ask(self.command, url.path, url.query, self.headers["Content-Type"], body)
        got = self.server.fault(ask, self.server.forward)
        self.send_response(got.status)
        self.send_header("Content-Type", got.content_type)
        self.send_header("Content-Length", str(len(got.body)))
        self.end_headers()
        self.wfile.write(got.body)

    def do_POST(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def log_message(self, *_):
        pass
