"""Running means of the loss and of the task's metric on training batches, summed without waiting for the device."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from framework.registry import default_task

if TYPE_CHECKING:
    from framework.components import Task


class Means(NamedTuple):
    """Mean loss, and `Task.training_metric` as a fraction."""

    loss: float
    score: float


class RunningMeans:
    """Means over the epoch and since the last log line, and the first step whose loss was not finite.

    A batch adds two scalars that stay on the device. They are fetched when means are requested, and summed in the order
    of the batches, in Python's float64: the means do not depend on when they are fetched.
    """

    def __init__(self, task: Task | None = None) -> None:
        self.task = task or default_task()
        self.recent, self.epoch = [0.0] * 3, [0.0] * 3
        self.bad_step: int | None = None
        self._pending: list[tuple[Tensor, Tensor, int, int]] = []

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, targets: Tensor, step: int) -> None:
        """Add one batch of optimizer step `step`: scalar loss, logits B×K and targets B×K."""
        self._pending.append((loss.detach(), self.task.score(logits, targets), len(logits), step))

    def take_recent(self) -> Means:
        """The means since the last call, or since the start of the epoch."""
        self._fetch()
        return _take(self.recent)

    def take_epoch(self) -> Means:
        """The means of the epoch; starts a new one."""
        self._fetch()
        _take(self.recent)
        return _take(self.epoch)

    def first_bad_step(self) -> int | None:
        """The first step whose loss was not finite, or None."""
        self._fetch()
        return self.bad_step

    def state_dict(self) -> dict[str, Any]:
        """The sums since the last log line and over the epoch: loss × images, scores, and images."""
        self._fetch()
        return {"recent": self.recent, "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the sums."""
        self.recent, self.epoch = list(state["recent"]), list(state["epoch"])

    def _fetch(self) -> None:
        """Fetch the pending values from the device, all in one transfer."""
        if not self._pending:
            return
        losses, scores, images, steps = zip(*self._pending, strict=True)
        self._pending.clear()
        values = torch.stack([torch.stack(losses).float(), torch.stack(scores).float()]).tolist()
        for loss, score, number, step in zip(*values, images, steps, strict=True):
            for sums in (self.recent, self.epoch):
                sums[0] += loss * number
                sums[1] += score
                sums[2] += number
            if self.bad_step is None and not math.isfinite(loss):
                self.bad_step = step


def _take(sums: list[float]) -> Means:
    """The means; resets the sums."""
    loss, score, images = sums
    sums[:] = [0.0] * 3
    return Means(loss / max(images, 1), score / max(images, 1))
