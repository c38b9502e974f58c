"""Whose pages may ask: a browser asks for any page that it shows, and says which one that is."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from framework.inference.serving.refusals import Refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True)
class Door:
    """Lets in the server's own page, those of the `origins`, and every program, which names no page."""

    origins: tuple[str, ...] = ()
    """Sites whose pages may ask, such as `https://example.org`; `*` is all."""
    host: str | None = None
    """The loopback address that is listened on, as the user wrote it; None where others can reach the server.

    There a page could reach it by a name of its own that leads to this machine (DNS rebinding), and would be taken for
    the server's page: other names than the machine's own, this one and those of `origins` are refused.
    """

    def refusal(self, headers: Headers) -> Refused | None:
        """Why a request with these headers is not let in, or None."""
        if "*" in self.origins:
            return None
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.host is not None and host and not self._knows(_name(f"//{host}")):
            what_to_do = f"ask for {self.host}, or start the server with --allow-origin https://{host}"
            return Refused(403, "foreign_host", f"the server does not go by the name {host}", what_to_do)
        own = headers.get("sec-fetch-site") == "same-origin"  # a proxy before it may have changed the host
        if origin is None or origin in self.origins or own or (host and _is_of(origin, host)):
            return None
        what_to_do = f"start the server with --allow-origin {origin}"
        return Refused(403, "foreign_origin", f"pages of {origin} may not ask", what_to_do)

    def _knows(self, name: str) -> bool:
        known = {"localhost", (self.host or "").lower(), *map(_name, self.origins)}
        return name in known or name.endswith(".localhost") or is_loopback(name)


class AtTheDoor:
    """Middleware: what a `Door` does not let in is answered before it is read."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, or refuse."""
        refused = self.door.refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        await (self.app if refused is None else refused.response())(scope, receive, send)


def is_loopback(address: str) -> bool:
    """Whether it is an address that only this machine can reach; a name is none."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _name(url: str) -> str:
    """Without the port; empty where there is none to be made out."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_of(origin: str, host: str) -> bool:
    """Whether a page is the server's own. A proxy may leave out the port."""
    return host.lower() in (origin.partition("://")[2].lower(), _name(origin))
