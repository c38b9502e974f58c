"""Check quickly whether a server can be reached: downloaders retry for minutes if it cannot."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TIMEOUT = 3.0
"""Seconds to wait for a response."""


def unreachable(url: str, request: Callable[[str], object] | None = None, seconds: float = TIMEOUT) -> str | None:
    """Why the server of `url` does not respond within `seconds`; None if it responds, with any status.

    `request` sends a request by the client of the download, with its proxies and certificates; default: a HEAD request
    by urllib.
    """
    result: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def probe() -> None:
        try:
            (request or _head)(url)
        except HTTPError:
            result.put(None)
        except Exception as error:  # every client has its own exceptions
            result.put(f"{url} cannot be reached: {getattr(error, 'reason', None) or error or type(error).__name__}")
        else:
            result.put(None)

    # In a thread, because no client limits the time of name resolution.
    threading.Thread(target=probe, daemon=True).start()
    try:
        return result.get(timeout=seconds)
    except queue.Empty:
        return f"{url} does not respond within {seconds:g} seconds"


def _head(url: str) -> None:
    with urlopen(Request(url, method="HEAD"), timeout=TIMEOUT):
        pass
