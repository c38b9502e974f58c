"""What ends training before its last step: signals, the time limit, patience."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

HANGUP = getattr(signal, "SIGHUP", None)
"""The terminal was closed; None on Windows."""


class Interruption:
    """Notes SIGINT, SIGTERM and SIGHUP while training runs; the second one ends the process at once.

    A second SIGHUP does not: a terminal that is closed sends it twice, from the shell and from the kernel. Where the
    caller ignores it (`nohup`), it stays ignored.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, *_hangup_unless_ignored()):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received and number != HANGUP:
            os._exit(130)
        if not self.received:
            self.received = signal.Signals(number).name
            with suppress(OSError):  # the terminal may be gone
                os.write(2, b"\nstopping after this step; a checkpoint is written. Once more to exit at once.\n")


def _hangup_unless_ignored() -> list[signal.Signals]:
    return [] if HANGUP is None or signal.getsignal(HANGUP) == signal.SIG_IGN else [HANGUP]


class Stopwatch:
    """Seconds since it was made, on top of what earlier sessions of a resumed run took."""

    def __init__(self, before: float = 0.0) -> None:
        self.before = before
        self.started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds in all."""
        return self.before + time.perf_counter() - self.started


class Alarm:
    """Due every so many seconds; 0 is due always."""

    def __init__(self, every: float) -> None:
        self.every = every
        self.last = time.perf_counter()

    def due(self) -> bool:
        """Whether the time is over; starts it anew where it is."""
        if time.perf_counter() - self.last < self.every:
            return False
        self.last = time.perf_counter()
        return True
