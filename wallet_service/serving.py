"""Running the application under Granian, a WSGI server with worker processes."""

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from threading import Thread
from time import sleep

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from wallet_service.addresses import check_address
from wallet_service.app import create_app
from wallet_service.settings import Settings

__all__ = ["serve"]

DRAIN_SECONDS = 10
"""How long a worker may take to finish its calls when it is told to stop."""


def serve(
    settings: Settings, host: str, port: int, workers: int, *, on_listening: Callable[[], None] | None = None
) -> None:
    """Serve until a signal to stop (SIGINT, SIGTERM) comes. The settings must name a database.

    Raises:
        AddressInUseError: the address cannot be had.

    """
    check_address(host, port)
    # A worker that is forked while another thread of ours holds a lock would wait for that lock for ever.
    multiprocessing.set_start_method("spawn", force=True)
    server = Server(
        "wallet_service",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=workers,
        blocking_threads=settings.threads,
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
        log_level=LogLevels.error,
    )
    if on_listening:
        # The workers listen, each when it has made its application; the server's own start-up hook comes before that.
        waiting = Thread(target=_when_listening, args=(host, port, on_listening), daemon=True)
        server.on_startup(waiting.start)
    server.serve(target_loader=partial(_make_worker, settings), wrap_loader=False)


def _make_worker(settings: Settings) -> Flask:
    """Make the application in a worker, which ends with the server that started it, however that ends."""
    Thread(target=_end_with_parent, daemon=True).start()
    return create_app(settings)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _when_listening(host: str, port: int, then: Callable[[], None]) -> None:
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            sleep(0.05)
        else:
            then()
            return
