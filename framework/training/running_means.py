"""Running means of loss and top-1, summed without waiting for the device."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor


class Means(NamedTuple):
    """Mean loss, and top-1 as a fraction."""

    loss: float
    top1: float


class Sums:
    """Loss × images, correct images, and images."""

    def __init__(self) -> None:
        self.values = [0.0, 0.0, 0.0]

    def add(self, *values: float) -> None:
        """Add one batch."""
        self.values = [old + new for old, new in zip(self.values, values, strict=True)]

    def take(self) -> Means:
        """The means; resets the sums."""
        loss, correct, images = self.values
        self.values = [0.0, 0.0, 0.0]
        return Means(loss / max(images, 1), correct / max(images, 1))


class RunningMeans:
    """Means over the epoch and since the last log line, and the first step whose loss was not finite.

    A batch adds two scalars that stay on the device. They are fetched when means are requested, and summed in the order
    of the batches, in Python's float64: the means do not depend on when they are fetched.
    """

    def __init__(self) -> None:
        self.recent = Sums()
        self.epoch = Sums()
        self.bad_step: int | None = None
        self._pending: list[tuple[Tensor, Tensor, int, int]] = []

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, targets: Tensor, step: int) -> None:
        """Add one batch of optimizer step `step`: scalar loss, logits B×K and targets B×K."""
        correct = (logits.argmax(dim=1) == targets.argmax(dim=1)).sum()
        self._pending.append((loss.detach(), correct, len(logits), step))

    def take_recent(self) -> Means:
        """The means since the last call, or since the start of the epoch."""
        self._fetch()
        return self.recent.take()

    def take_epoch(self) -> Means:
        """The means of the epoch; starts a new one."""
        self._fetch()
        self.recent.take()
        return self.epoch.take()

    def first_bad_step(self) -> int | None:
        """The first step whose loss was not finite, or None."""
        self._fetch()
        return self.bad_step

    def state_dict(self) -> dict[str, Any]:
        """The sums since the last log line and over the epoch."""
        self._fetch()
        return {"recent": self.recent.values, "epoch": self.epoch.values}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the sums."""
        self.recent.values, self.epoch.values = list(state["recent"]), list(state["epoch"])

    def _fetch(self) -> None:
        """Fetch the pending values from the device, all in one transfer."""
        if not self._pending:
            return
        losses, corrects, images, steps = zip(*self._pending, strict=True)
        self._pending.clear()
        values = torch.stack([torch.stack(losses).float(), torch.stack(corrects).float()]).tolist()
        for loss, correct, number, step in zip(*values, images, steps, strict=True):
            self.recent.add(loss * number, correct, number)
            self.epoch.add(loss * number, correct, number)
            if self.bad_step is None and not math.isfinite(loss):
                self.bad_step = step
