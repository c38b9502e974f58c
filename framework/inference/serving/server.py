"""The server process: socket, signals, shutdown."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from framework.errors import Interrupted, UserError, count
from framework.inference.serving.access import AccessPolicy
from framework.inference.serving.app import Service, create_app

BACKLOG = 2048
"""Waiting connections: uvicorn's default."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
"""Of every response: the page may only run and request what this server sends."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free port. Raises `UserError`.

    Connections wait until the server runs.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise UserError(f"--host {host}: {getattr(error, 'strerror', None) or error}") from None
    if sys.platform != "win32":  # Windows would allow two servers on one port
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        hint = "choose another --port; 0 is any free port"
        raise UserError(f"cannot listen on {host}, port {port}: {error.strerror}; {hint}") from None
    return bound


def address_of(bound: socket.socket) -> str:
    """The URL for a browser."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(service: Service, bound: socket.socket, policy: AccessPolicy, on_ready: Callable[[], None]) -> None:
    """Serve until a signal, then finish the requests in progress. Raises `Interrupted` after SIGINT."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s  %(message)s")
    config = uvicorn.Config(
        create_app(service, policy),
        log_config=None,
        access_log=False,
        server_header=False,
        headers=list(HEADERS.items()),
        lifespan="on",
        ws="none",
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(2 * service.limits.seconds) + 5,
    )
    server = _Server(config, on_ready)
    with _signals(server) as received:
        server.run(sockets=[bound])
    ended = f"stopped; {count(service.admission.predicted, 'image')} predicted"
    if signal.SIGINT in received:
        raise Interrupted(ended)
    print(ended)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


@contextmanager
def _signals(server: uvicorn.Server) -> Iterator[list[int]]:
    """Collect the signals that ended the server; uvicorn raises them again after shutdown.

    SIGHUP, which uvicorn does not handle, ends the server as SIGTERM does, unless the caller ignores it (`nohup`).
    """
    received: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)

    def end(_: int, frame: FrameType | None) -> None:
        server.handle_exit(signal.SIGTERM, frame)

    before: dict[int, Any] = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    hangup = getattr(signal, "SIGHUP", None)  # None on Windows
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        before[hangup] = signal.signal(hangup, end)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
