"""Lucky Monaco's history in a test: a real server, which lists rounds and tells their status from a list."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Listed:
    """A round as Lucky Monaco has it."""

    user_id: str
    round_id: str
    at: datetime
    state: str
    bet: str = "10.00"
    won: str | None = "0.00"
    currency: str = "USD"

    def fields(self):
        return {
            "dateTime": f"{self.at:%Y-%m-%d %H:%M:%S}",
            "roundId": int(self.round_id) if self.round_id.isdecimal() else self.round_id,
            "userId": self.user_id,
            "currency": self.currency,
            "betAmount": self.bet,
            "winAmount": self.won,
            "roundStatus": self.state,
        }


@dataclass
class Habits:
    """What the contract leaves to Lucky Monaco, and what it can do wrong."""

    first_page: int = 1
    page_zero: str = ""
    """The code with which page 0 is refused where pages are counted from 1; without one it is as empty as the last."""
    largest_page: int = 1000
    ends_inclusive: bool = False
    nothing_is_17: bool = False
    told_too_many: int = 0
    statuses: dict[str, str] = field(default_factory=dict)
    """What GetRoundStatus says by round, where it is not what the list says: a state, or a refusal's code."""


class HistoryServer(ThreadingHTTPServer):
    """Lucky Monaco's place. ``calls`` are (path, fields); ``before`` is called with each before it is answered."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.rounds: list[Listed] = []
        self.habits = Habits()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.asked = Event()
        self.before = lambda _path, _fields: None
        Thread(target=self.serve_forever, args=(0.05,)).start()

    def has(self, *arguments, **more):
        self.rounds.append(Listed(*arguments, **more))

    @property
    def status_calls(self):
        return [str(fields["roundId"]) for path, fields in self.calls if path.endswith("Status")]

    def page(self, fields):
        assert fields["timeZone"] == "GMT+00:00"
        start, end = (datetime.fromisoformat(fields[name]).replace(tzinfo=UTC) for name in ("dateStart", "dateEnd"))
        end += timedelta(seconds=self.habits.ends_inclusive)
        within = [item for item in self.rounds if start <= item.at < end]
        number = fields["page"] - self.habits.first_page
        if number < 0 and self.habits.page_zero:
            return {"error": int(self.habits.page_zero), "description": "no such page"}
        if not within and self.habits.nothing_is_17:
            return {"error": 17, "description": "nothing"}
        size = min(fields["limit"], self.habits.largest_page)
        page = within[number * size : (number + 1) * size] if number >= 0 else []
        total = len(within) + self.habits.told_too_many
        return {"error": 0, "totalRounds": total, "rounds": [item.fields() for item in page]}

    def status(self, fields):
        round_id = str(fields["roundId"])
        listed = next((item for item in self.rounds if item.round_id == round_id), None)
        said = self.habits.statuses.get(round_id, listed.state if listed else "17")
        if said.isdecimal():
            return {"error": int(said), "description": "no"}
        assert listed
        return {"error": 0, **listed.fields(), "roundStatus": said}

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HistoryServer

    def do_POST(self):
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append((self.path, fields))
        self.server.asked.set()
        self.server.before(self.path, fields)
        answer = self.server.status(fields) if self.path.endswith("Status") else self.server.page(fields)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
