"""An answer that is given before all of the body has arrived."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = 5.0
"""How long the rest of a body is taken in and thrown away."""


@dataclass(frozen=True)
class Lingering:
    """An application around another: after an early answer, what still arrives is thrown away for a while.

    Were the connection closed with bytes unread, their sender would see a reset in place of the answer.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; linger where the body is not at its end."""
        headers = {name for name, _ in scope.get("headers", ())}
        if b"content-length" not in headers and b"transfer-encoding" not in headers:
            await self.app(scope, receive, send)
            return
        at_end = False

        async def watched() -> Message:
            nonlocal at_end
            message = await receive()
            at_end = not message.get("more_body", False)
            return message

        async def lingering(message: Message) -> None:
            if at_end or message["type"] not in ("http.response.start", "http.response.body"):
                await send(message)
            elif message["type"] == "http.response.start":
                await send({**message, "headers": [*message["headers"], (b"connection", b"close")]})
            elif message.get("more_body", False):
                await send(message)
            else:
                await send({**message, "more_body": True})
                await _throw_away(watched)
                await send({"type": "http.response.body"})

        async def _throw_away(receive: Receive) -> None:
            try:
                async with asyncio.timeout(SECONDS):
                    while not at_end:
                        await receive()
            except TimeoutError:
                pass

        await self.app(scope, watched, lingering)
