"""The sandbox put together, and served in this process."""

import socket
from decimal import Decimal
from functools import partial
from pathlib import Path
from secrets import token_hex
from threading import Event, Thread
from time import time_ns
from typing import Any

from flask import Flask, jsonify
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from wallet_service.addresses import AddressInUseError
from wallet_service.sandbox.cancel_round import Cancellation, cancel_round_blueprint
from wallet_service.sandbox.control import Control, control_blueprint
from wallet_service.sandbox.delivery import Delivery
from wallet_service.sandbox.history import history_blueprint
from wallet_service.sandbox.misbehaviour import Misbehaviour
from wallet_service.sandbox.play import Dealer, Seat, Summary
from wallet_service.sandbox.refunds import Refunds
from wallet_service.sandbox.reports import Journal, Reporter
from wallet_service.sandbox.rounds import GAMES, Book, Round, State
from wallet_service.sandbox.wallet import Answer, Keys, Wallet
from wallet_service.settings import ContractVersion, Settings

__all__ = ["Sandbox", "sandbox_for"]

PROVIDER = "LuckyMonaco"

MAX_BODY_BYTES = 64 * 1024
SAVE_EVERY_S = 1.0
POLL_S = 0.05
"""How often the server looks whether it is to stop."""


class QuietHandler(WSGIRequestHandler):
    """Logs nothing: the requests' lines have tokens in them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes, and the second would wait

    def log(self, *_: Any) -> None:
        """Say nothing."""

    def connection_dropped(self, *_: Any) -> None:
        """Close a connection whose answer is lost."""
        self.close_connection = True


class Sandbox:
    """A stand-in for Lucky Monaco: it plays rounds against ``wallet``, and takes the operator's calls over HTTP.

    Args:
        wallet: the wallet it calls. It is closed with the sandbox.
        keys: what the operator's calls must prove themselves with.
        host: where it listens.
        port: where it listens; 0 for any free port.
        v402_prefix: the path of v4.02's CancelRound.
        seed: decides how rounds go and what befalls messages; empty for another run each time.
        misbehaviour: what it does wrong.
        pause: seconds before a message is sent again; before a Refund more and more, up to 30.
        threads: rounds played at once.
        first_round: the number of the first round; None for the time in microseconds, so that no two runs share one.
        state: a file that keeps the rounds for the next start; None keeps none.
        on_message: called with each message, by one thread at a time.

    Raises:
        ValueError: the file holds something else.
        OSError: the file cannot be read or written.

    """

    def __init__(
        self,
        wallet: Wallet,
        keys: Keys,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        v402_prefix: str = "/v4",
        seed: str = "",
        misbehaviour: Misbehaviour | None = None,
        pause: float = 1.0,
        threads: int = 4,
        first_round: int | None = None,
        state: Path | None = None,
        on_message: Reporter = lambda _: None,
    ) -> None:
        seed = seed or token_hex(4)
        self._wallet = wallet
        self._address = (host, port)
        self._state = state
        self._book = Book.load(state) if state else Book()
        if state:
            self._book.save(state)  # better now than after an hour's rounds
        self._stopping = Event()
        self.journal = Journal(on_message)
        self._delivery = Delivery(
            wallet, self.journal, misbehaviour or Misbehaviour(), pause=pause, stopping=self._stopping
        )
        self._refunds = Refunds(self._book, self._delivery, seed, pause)
        first_round = first_round or time_ns() // 1000
        self._dealer = Dealer(
            self._book, self._delivery, self.journal, seed=seed, first_round=first_round, threads=threads
        )
        cancellation = Cancellation(self._book, self._delivery, self._refunds, self.journal, seed)
        self._app = create_sandbox_app(
            cancel_round_blueprint(cancellation, keys, v402_prefix),
            history_blueprint(self._book, keys),
            control_blueprint(Control(self._book, self._dealer, self._delivery)),
        )
        self._server: BaseWSGIServer | None = None
        self._threads: list[Thread] = []

    def start(self) -> str:
        """Listen, go on with what a kept state left unfinished, and return the URL.

        Raises:
            AddressInUseError: the address cannot be had.

        """
        host, port = self._address
        # A socket of ours, as the server would end the process where the address is taken.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family)
        except OSError as error:
            raise AddressInUseError(host, port, error) from None
        with listening:
            port = listening.getsockname()[1]
            self._server = make_server(
                host, port, self._app, threaded=True, request_handler=QuietHandler, fd=listening.fileno()
            )
        for the_round in self._book.all():
            if the_round.state is State.CANCEL_IN_PROCESS and the_round.refund_due:
                self._refunds.add(the_round.round_id, first_now=False)
        self._refunds.start()
        tasks = (partial(self._server.serve_forever, POLL_S), self._dealer.resume, self._save_now_and_then)
        self._threads = [Thread(target=task, daemon=True) for task in tasks]
        for thread in self._threads:
            thread.start()
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def play(self, user_id: str, currency: str, rounds: int) -> Summary:
        """Play rounds of all kinds, and return what they came to.

        Raises:
            BookFullError: there is no room for as many.

        """
        return self._dealer.play(Seat(user_id, currency), rounds)

    def open_round(
        self, user_id: str, currency: str, amount: Decimal, game_id: str = "vs20lucky"
    ) -> tuple[Round, Answer | None]:
        """Start a round by one bet and leave it open. Returns it and the wallet's answer to the bet; None: none came.

        Raises:
            BookFullError: there is no room for another.

        """
        return self._dealer.open_round(Seat(user_id, currency), amount, GAMES[game_id])

    def request_stop(self) -> None:
        """Have everything come to an end soon; this returns at once, and a signal's handler may call it."""
        self._stopping.set()

    def wait(self) -> None:
        """Wait until a stop is requested."""
        self._stopping.wait()

    def stop(self) -> None:
        """Stop, and keep the rounds where there is a file for them. What is not finished goes on at the next start."""
        self.request_stop()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._refunds.stop()
        for thread in self._threads:
            thread.join()
        self._wallet.close()
        if self._state:
            self._book.save(self._state)

    def _save_now_and_then(self) -> None:
        saved = 0
        while self._state and not self._stopping.wait(SAVE_EVERY_S):
            if saved != self._book.changes:
                saved = self._book.changes
                self._book.save(self._state)


def sandbox_for(settings: Settings, wallet_url: str, version: ContractVersion, **options: Any) -> Sandbox:
    """Return a sandbox for a wallet that has these settings; ``options`` are those of ``Sandbox``.

    Raises:
        ValueError: the file that keeps the rounds holds something else.
        OSError: that file cannot be read or written.

    """
    keys = Keys(settings.partner_id, settings.partner_token[0], settings.hash_secret[0])
    return Sandbox(
        Wallet(
            wallet_url,
            version,
            keys,
            provider_id=settings.provider_id or PROVIDER,
            v402_prefix=settings.v402_prefix,
        ),
        Keys(settings.partner_id, settings.lucky_monaco_token, settings.lucky_monaco_hash_secret),
        v402_prefix=settings.v402_prefix,
        **options,
    )


def create_sandbox_app(*blueprints: Any) -> Flask:
    """Return the sandbox as a WSGI application of these routes."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    for blueprint in blueprints:
        app.register_blueprint(blueprint)

    @app.errorhandler(HTTPException)
    def not_a_call(error: HTTPException) -> Any:
        return jsonify(error=error.description), error.code

    return app
