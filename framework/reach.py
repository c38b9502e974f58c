"""Whether a server can be reached, within seconds: downloaders wait and retry for minutes if it cannot."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PATIENCE = 3.0
"""Seconds in which a server must answer."""


def unreachable(url: str, ask: Callable[[str], object] | None = None, seconds: float = PATIENCE) -> str | None:
    """Why the server of `url` does not respond within `seconds`; None if it does, with whatever status.

    `ask` sends a request with the client that will download, so that its proxies and certificates are used; default:
    a HEAD request by urllib.
    """
    answer: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            (ask or _head)(url)
        except HTTPError:
            answer.put(None)
        except Exception as error:  # each client has exceptions of its own
            answer.put(f"{url} cannot be reached: {getattr(error, 'reason', None) or error or type(error).__name__}")
        else:
            answer.put(None)

    # In a thread: no client limits the time of name resolution.
    threading.Thread(target=work, daemon=True).start()
    try:
        return answer.get(timeout=seconds)
    except queue.Empty:
        return f"{url} does not answer within {seconds:g} seconds"


def _head(url: str) -> None:
    with urlopen(Request(url, method="HEAD"), timeout=PATIENCE):
        pass
