"""Signals that end training, and the clocks of time limit and checkpoints."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

HANGUP = getattr(signal, "SIGHUP", None)
"""Sent when a terminal is closed; None on Windows."""


class Interruption:
    """Records SIGINT, SIGTERM and SIGHUP during training; a second signal ends the process at once.

    A second SIGHUP does not: a closed terminal sends it twice, from the shell and from the kernel. A SIGHUP that the
    caller ignores (`nohup`) stays ignored.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, *_hangup_unless_ignored()):
                self._previous[number] = signal.signal(number, self._record)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _record(self, number: int, frame: FrameType | None) -> None:
        if self.received and number != HANGUP:
            os._exit(130)
        if not self.received:
            self.received = signal.Signals(number).name
            with suppress(OSError):  # the terminal may be closed
                os.write(2, b"\nStopping after this step and a checkpoint. Send the signal again to exit at once.\n")


def _hangup_unless_ignored() -> list[signal.Signals]:
    return [] if HANGUP is None or signal.getsignal(HANGUP) == signal.SIG_IGN else [HANGUP]


class Stopwatch:
    """Seconds since its creation, plus those of earlier sessions."""

    def __init__(self, before: float = 0.0) -> None:
        self.before = before
        self.started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Total seconds."""
        return self.before + time.perf_counter() - self.started


class Alarm:
    """Due after every interval of `every` seconds; with 0 it is always due."""

    def __init__(self, every: float) -> None:
        self.every = every
        self.last = time.perf_counter()

    def due(self) -> bool:
        """Whether the interval is over; if so, starts the next one."""
        if time.perf_counter() - self.last < self.every:
            return False
        self.last = time.perf_counter()
        return True
