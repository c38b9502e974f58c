"""The speed of training steps, without validation and checkpoints."""

from __future__ import annotations

import time


class Throughput:
    """Images per second since the last log line and over the epoch.

    The time between `pause` and `resume` is not counted. On a GPU, synchronise before `pause`, `take_recent` and
    `take_epoch`: a step only queues its work.
    """

    def __init__(self, images_per_step: int, seconds: float = 0.0) -> None:
        self.images_per_step = images_per_step
        self.seconds = seconds
        """Total time of training steps, earlier sessions included."""
        self.step, self.started = 0, time.perf_counter()
        self._running = True
        self._log = self._epoch = (0, seconds)  # step and seconds at the last log line, and at the start of the epoch

    def step_done(self) -> None:
        """Count one optimizer step."""
        self.step += 1

    def pause(self) -> None:
        """Stop the clock if it runs."""
        if self._running:
            self.seconds += time.perf_counter() - self.started
        self._running = False

    def resume(self) -> None:
        """Start the clock."""
        self.started, self._running = time.perf_counter(), True

    def take_recent(self) -> float:
        """The speed since the last call, or since the start of the epoch."""
        self.pause()
        speed = self._speed_since(*self._log)
        self._log = self.step, self.seconds
        self.resume()
        return speed

    def take_epoch(self) -> float:
        """The speed over the epoch. Stops the clock and starts a new epoch."""
        self.pause()
        speed = self._speed_since(*self._epoch)
        self._log = self._epoch = self.step, self.seconds
        return speed

    def _speed_since(self, step: int, seconds: float) -> float:
        return (self.step - step) * self.images_per_step / max(self.seconds - seconds, 1e-9)
