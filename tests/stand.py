"""Lucky Monaco's place in a test: a real server, which answers byte for byte what the test says."""

import json
import ssl
from collections import deque
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import trustme

PARTNER, TOKEN, SECRET = "the-partner", "tok/en+1&2", "hash-secret"
SILENCE, TRICKLE = "silence", "trickle"
"""Parts of an answer that are no bytes: nothing more comes, or a blank now and then."""


def http(status, body, *headers):
    """Return an answer's bytes. ``body`` is text, or what is written as JSON."""
    text = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(text)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + text


OK = http(200, {"error": 0, "description": "Success"})


def refused(code, message="INVALID"):
    """Return the body of a refusal in V4."""
    return {"error": {"code": code, "message": message}}


def reveals(text):
    """Tell whether a secret is in the text, as it is or as a URL has it."""
    return any(secret in text for secret in (TOKEN, "tok%2Fen%2B1%262", SECRET))


class Stand(ThreadingHTTPServer):
    """Lucky Monaco's place. Each request takes the next of ``answers`` and is kept in ``asked``, as (path, body)."""

    def __init__(self, *, tls: bool = False, valid_until: datetime | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"
        self.answers: deque[tuple[Any, ...]] = deque()
        self.asked: list[tuple[str, bytes]] = []
        self.connections = 0
        self.over = Event()
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            # Nobody trusts it, unless told to.
            self.authority = trustme.CA()
            self.authority.issue_cert("127.0.0.1", not_after=valid_until).configure_cert(context)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        Thread(target=self.serve_forever, args=(0.05,)).start()

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def will(self, *answers):
        """Say what the next requests get: bytes, or several parts, after which the connection is closed.

        A part that can be called is: what happens meanwhile.
        """
        self.answers.extend(answer if isinstance(answer, tuple) else (answer,) for answer in answers)

    @property
    def bodies(self):
        return [json.loads(body) for _, body in self.asked]

    def stop(self):
        self.over.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stand

    def do_POST(self):
        assert self.headers["Content-Type"] == "application/json"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, body))
        parts = self.server.answers.popleft()
        self.close_connection = len(parts) > 1
        with suppress(ConnectionError):  # a client that has heard enough hangs up
            for part in parts:
                if part == SILENCE:
                    self.server.over.wait()
                elif callable(part):
                    part()
                elif part == TRICKLE:
                    while not self.server.over.wait(0.05):
                        self.wfile.write(b" ")
                else:
                    self.wfile.write(part)

    def log_message(self, *_):
        pass
