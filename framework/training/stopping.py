"""Signals that end training, and the clock of the time limit."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

HANGUP = getattr(signal, "SIGHUP", None)
"""Sent when a terminal is closed; None on Windows."""


class Interruption:
    """The first signal received during training; the second one ends the process at once.

    A second SIGHUP does not: a closed terminal sends it twice, from the shell and from the kernel.
    """

    received: str | None = None

    def record(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self.received and number != HANGUP:
            os._exit(130)
        if not self.received:
            self.received = signal.Signals(number).name
            with suppress(OSError):  # the terminal may be closed
                os.write(2, b"\nStopping after this step and a checkpoint. Send the signal again to exit at once.\n")


@contextmanager
def recorded_signals() -> Iterator[Interruption]:
    """Record SIGINT, SIGTERM and SIGHUP, but not a SIGHUP that the caller ignores (`nohup`)."""
    interruption, numbers = Interruption(), [signal.SIGINT, signal.SIGTERM]
    if HANGUP is not None and signal.getsignal(HANGUP) != signal.SIG_IGN:
        numbers.append(HANGUP)
    if threading.current_thread() is not threading.main_thread():
        numbers.clear()  # other threads cannot set handlers
    previous = {number: signal.signal(number, interruption.record) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Stopwatch:
    """Seconds since its creation, plus those of earlier sessions."""

    def __init__(self, before: float = 0.0) -> None:
        self.before = before
        self.started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Total seconds."""
        return self.before + time.perf_counter() - self.started
