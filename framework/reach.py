"""Whether a server can be reached, known within seconds: downloaders wait and retry for minutes where it cannot."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PATIENCE = 3.0
"""Seconds in which a server must answer."""


def unreachable(url: str, ask: Callable[[str], object] | None = None, seconds: float = PATIENCE) -> str | None:
    """Why the server of `url` cannot be reached within so many seconds; None where it answers, whatever it answers.

    `ask` sends it a request by the client that will download from it, so that its proxies and certificates count;
    left out: a HEAD by urllib.
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

    # In a thread, for no client bounds the time in which names are resolved.
    threading.Thread(target=work, daemon=True).start()
    try:
        return answer.get(timeout=seconds)
    except queue.Empty:
        return f"{url} does not answer within {seconds:g} seconds"


def _head(url: str) -> None:
    with urlopen(Request(url, method="HEAD"), timeout=PATIENCE):
        pass
