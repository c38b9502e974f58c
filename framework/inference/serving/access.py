"""Who may send requests: browsers send requests of any web page, and name the page's site in `Origin`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from framework.inference.serving.api_error import ApiError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True)
class AccessPolicy:
    """Accepts the server's own page, pages of the `origins`, and programs, which send no `Origin`."""

    origins: tuple[str, ...] = ()
    """Sites whose pages may send requests, such as `https://example.org`; `*` is any site."""
    host: str | None = None
    """The loopback address that the server listens on, as the user wrote it; None if other hosts can reach the server.

    On a loopback address other host names than those of this machine, this one and those of `origins` are rejected: a
    page could resolve a name of its own to this machine (DNS rebinding) and would pass as the server's own page.
    """

    def error(self, headers: Headers) -> ApiError | None:
        """The error for a request with these headers, or None if it is accepted."""
        if "*" in self.origins:
            return None
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.host is not None and host and not self._is_known(_host_name(f"//{host}")):
            hint = f"send the request to {self.host}, or start the server with --allow-origin https://{host}"
            return ApiError(403, "foreign_host", f"the host name {host} is not allowed", hint)
        same_origin = headers.get("sec-fetch-site") == "same-origin"  # a proxy may have changed the host
        if origin is None or origin in self.origins or same_origin or (host and _is_same_site(origin, host)):
            return None
        hint = f"start the server with --allow-origin {origin}"
        return ApiError(403, "foreign_origin", f"pages of {origin} may not send requests", hint)

    def _is_known(self, name: str) -> bool:
        known = {"localhost", (self.host or "").lower(), *map(_host_name, self.origins)}
        return name in known or name.endswith(".localhost") or is_loopback(name)


class AccessMiddleware:
    """Rejects what the policy does not accept, before the body is read."""

    def __init__(self, app: ASGIApp, policy: AccessPolicy) -> None:
        self.app = app
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or reject it."""
        error = self.policy.error(Headers(scope=scope)) if scope["type"] == "http" else None
        await (self.app if error is None else error.response())(scope, receive, send)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address; False for a host name."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _host_name(url: str) -> str:
    """The host without its port; empty if the URL is invalid."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_same_site(origin: str, host: str) -> bool:
    """Whether the page comes from this server; a proxy may leave out the port."""
    return host.lower() in (origin.partition("://")[2].lower(), _host_name(origin))
