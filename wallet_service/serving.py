"""Running the application under Granian, a WSGI server with worker processes."""

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from wallet_service.addresses import check_address
from wallet_service.admin.app import PREFIX
from wallet_service.app import create_admin, create_app
from wallet_service.bodies import AwaitedBodies
from wallet_service.cores import take_core
from wallet_service.cutting import Cutter
from wallet_service.keeping import kept_running
from wallet_service.leaving import LEAVE, Leaving, leave_first
from wallet_service.logs import configure_logs
from wallet_service.metrics import share_metrics
from wallet_service.renewal import newest, pass_on, renew_secrets
from wallet_service.settings import Settings, SettingsError
from wallet_service.signals import at_each

__all__ = ["serve"]

THREADS_BESIDE = 8
"""Threads of a worker that turn calls away, and serve the desk, while all that may be in are in."""
THREADS_AWAITING = 256
"""Threads of a worker that wait for bodies: of senders that are known, but for those of the desk's."""
THREADS_AWAITING_DESK = 32
"""How many of those may wait for what is sent to the desk, by anybody."""
DESK_THREADS = 16
"""Of the desk in a process of its own."""
MAX_CONNECTIONS = 4096
"""Open connections of a worker. Lucky Monaco keeps some open for a long time."""
LONGEST_HEAD = 32 * 1024
"""Bytes of a request's head, its path and query among them. So much of each connection may be in memory."""
DRAIN_SECONDS = 10
"""How long a worker may take to finish its calls when it is told to stop."""


def serve(
    settings: Settings, host: str, port: int, workers: int, *, on_listening: Callable[[], None] | None = None
) -> None:
    """Serve until a signal to stop comes: SIGTERM lets the callers go first, SIGINT does not wait for that.

    The settings must name a database.

    Raises:
        AddressInUseError: the address cannot be had.
        SettingsError: the desk has a port, and no secret key.

    """
    check_address(host, port)
    if settings.admin_port:
        if not settings.admin_secret_key:
            raise SettingsError("WALLET_ADMIN_PORT needs WALLET_ADMIN_SECRET_KEY: without it there is no /admin")
        check_address(host, settings.admin_port)
    configure_logs(settings.log_level)
    at_each(signal.SIGHUP, partial(pass_on, settings))  # before any other thread
    signal.pthread_sigmask(signal.SIG_BLOCK, {LEAVE})  # for the workers: one that is only being started is not ended
    # A worker that is forked while another thread of ours holds a lock would wait for that lock for ever.
    multiprocessing.set_start_method("spawn", force=True)
    server = _server(host, port, workers, settings.calls_at_once + THREADS_BESIDE + THREADS_AWAITING)
    ports = [port, settings.admin_port] if settings.admin_port else [port]
    server.on_startup(leave_first)
    if on_listening:
        # The workers listen, each when it has made its application; the server's own start-up hook comes before that.
        waiting = Thread(target=_when_listening, args=(host, ports, on_listening), daemon=True)
        server.on_startup(waiting.start)
    with share_metrics() as folder, _desk_beside(settings, host, folder, server):
        create = partial(_make_wallet_worker, settings, folder / "cores", workers)
        server.serve(target_loader=create, wrap_loader=False)


def _server(host: str, port: int, workers: int, threads: int) -> Any:
    return Server(
        "wallet_service",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=LONGEST_HEAD),
        websockets=False,
        workers=workers,
        blocking_threads=threads,
        backlog=MAX_CONNECTIONS,
        backpressure=MAX_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
        log_level=LogLevels.error,
    )


def _desk_beside(settings: Settings, host: str, metrics_folder: Path, server: Any) -> AbstractContextManager[None]:
    """Serve the desk in a process of its own meanwhile, if it has a port of its own. The wallet goes on without it."""
    if not settings.admin_port:
        return nullcontext()
    desk = partial(get_context("spawn").Process, target=_serve_desk, args=(settings, host, metrics_folder), name="desk")
    return kept_running(desk, lambda: bool(server.interrupt_signal), DRAIN_SECONDS + 1)


def _serve_desk(settings: Settings, host: str, metrics_folder: Path) -> None:
    """Serve the desk alone, in this process, until it is told to stop or the wallet's server has ended."""
    configure_logs(settings.log_level)
    at_each(signal.SIGHUP, partial(pass_on, settings))
    Thread(target=_end_with_parent, daemon=True).start()
    server = _server(host, settings.admin_port, workers=1, threads=DESK_THREADS + THREADS_AWAITING_DESK)
    create = partial(create_admin, metrics_folder=metrics_folder)
    server.serve(target_loader=partial(_make_worker, create, settings), wrap_loader=False)


def _make_wallet_worker(settings: Settings, places: Path, workers: int) -> Flask:
    configure_logs(settings.log_level)
    take_core(places, workers)  # before any thread: one that is there already would keep to none
    return _make_worker(create_app, settings)


def _make_worker(create: Callable[[Settings], Flask], settings: Settings) -> Flask:
    """Make the application in a worker, which ends with the server that started it, however that ends."""
    # A terminal's Ctrl-C reaches workers, too; one that ended by itself would be taken for a fault. The server ends it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    Thread(target=_end_with_parent, daemon=True).start()
    configure_logs(settings.log_level)
    app = create(newest(settings))  # a worker may be started long after the server
    at_each(signal.SIGHUP, partial(renew_secrets, app, settings))
    bodies = AwaitedBodies(app.wsgi_app, THREADS_AWAITING, PREFIX, THREADS_AWAITING_DESK)
    Thread(target=Cutter(bodies.waits).run, daemon=True).start()
    leaving = Leaving(bodies)
    at_each(LEAVE, leaving.begin)
    app.wsgi_app = leaving  # type: ignore[method-assign]  # Flask means it to be wrapped
    return app


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _when_listening(host: str, ports: list[int], then: Callable[[], None]) -> None:
    for port in ports:
        while True:
            try:
                socket.create_connection((host, port), timeout=1).close()
            except OSError:
                sleep(0.05)
            else:
                break
    then()
