"""Running means whose parts stay on the device until they are read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor


class Means(NamedTuple):
    """Of a stretch of training: mean loss, and top-1 as a fraction."""

    loss: float
    top1: float


class Sums:
    """Loss × images, correct images, and images."""

    def __init__(self) -> None:
        self.values = [0.0, 0.0, 0.0]

    def add(self, *values: float) -> None:
        """One batch more."""
        self.values = [old + new for old, new in zip(self.values, values, strict=True)]

    def take(self) -> Means:
        """The means; the sums start again."""
        loss, correct, images = self.values
        self.values = [0.0, 0.0, 0.0]
        return Means(loss / max(images, 1), correct / max(images, 1))


class RunningMeans:
    """Means of loss and top-1 over the epoch and since the last log line, and the first step whose loss was not finite.

    A batch adds two scalars on the device and nothing waits for them. They are read when means are asked for, and
    added up in the order of the batches, in Python's float64: means do not depend on when they were read.
    """

    def __init__(self) -> None:
        self.recent = Sums()
        self.epoch = Sums()
        self.bad_step: int | None = None
        self._waiting: list[tuple[Tensor, Tensor, int, int]] = []

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, targets: Tensor, step: int) -> None:
        """Count one batch of optimizer step `step`: scalar loss, logits and targets B×K."""
        correct = (logits.argmax(dim=1) == targets.argmax(dim=1)).sum()
        self._waiting.append((loss.detach(), correct, len(logits), step))

    def take_recent(self) -> Means:
        """The means since this was last called, or since the epoch's start."""
        self._read()
        return self.recent.take()

    def take_epoch(self) -> Means:
        """The means of the whole epoch; a new one starts."""
        self._read()
        self.recent.take()
        return self.epoch.take()

    def first_bad_step(self) -> int | None:
        """The first step whose loss was not finite, or None."""
        self._read()
        return self.bad_step

    def state_dict(self) -> dict[str, Any]:
        """Both sums."""
        self._read()
        return {"recent": self.recent.values, "epoch": self.epoch.values}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.recent.values, self.epoch.values = list(state["recent"]), list(state["epoch"])

    def _read(self) -> None:
        """Fetch what waits on the device, all at once."""
        if not self._waiting:
            return
        losses, corrects, images, steps = zip(*self._waiting, strict=True)
        self._waiting.clear()
        values = torch.stack([torch.stack(losses).float(), torch.stack(corrects).float()]).tolist()
        for loss, correct, number, step in zip(*values, images, steps, strict=True):
            self.recent.add(loss * number, correct, number)
            self.epoch.add(loss * number, correct, number)
            if self.bad_step is None and not math.isfinite(loss):
                self.bad_step = step
