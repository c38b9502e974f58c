"""What ends training before its last step: signals, the time limit, patience."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any


class Interruption:
    """Notes SIGINT and SIGTERM while training runs; the second one ends the process at once."""

    def __init__(self) -> None:
        self.received: str | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            os._exit(130)
        self.received = signal.Signals(number).name
        os.write(2, b"\nstopping after this step; a checkpoint is written. Once more to exit at once.\n")


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
