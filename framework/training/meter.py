"""Running means that stay on the device until somebody reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor


class Means(NamedTuple):
    """Of a stretch of training: mean loss, and top-1 as a fraction."""

    loss: float
    top1: float


class Meter:
    """Means of loss and top-1 over the epoch and since the last log line, and the first step whose loss was not finite.

    Sums are kept as (loss × images, correct images, images).
    """

    def __init__(self, device: torch.device) -> None:
        # MPS has no float64; there the few bytes cross to the CPU at each step.
        self.device = torch.device("cpu") if device.type == "mps" else device
        self.recent = torch.zeros(3, dtype=torch.float64, device=self.device)
        self.epoch = torch.zeros_like(self.recent)
        self.bad_step = torch.full((), -1, dtype=torch.int64, device=self.device)

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, targets: Tensor, step: int) -> None:
        """Count one batch of optimizer step `step`: scalar loss, logits and targets B×K."""
        loss = loss.detach().to(self.device, torch.float64)
        correct = (logits.argmax(dim=1) == targets.argmax(dim=1)).sum().to(self.device, torch.float64)
        self.recent[0] += loss * len(logits)
        self.recent[1] += correct
        self.recent[2] += len(logits)
        self.bad_step = torch.where(~torch.isfinite(loss) & (self.bad_step < 0), step, self.bad_step)

    def take_recent(self) -> Means:
        """The means since this was last called, or since the epoch's start."""
        means = _means(self.recent)
        self.epoch += self.recent
        self.recent.zero_()
        return means

    def take_epoch(self) -> Means:
        """The means of the whole epoch; a new one starts."""
        means = _means(self.epoch + self.recent)
        self.epoch.zero_()
        self.recent.zero_()
        return means

    def first_bad_step(self) -> int | None:
        """The first step whose loss was not finite, or None."""
        step = int(self.bad_step)
        return step if step >= 0 else None

    def state_dict(self) -> dict[str, Any]:
        """Both sums."""
        return {"recent": self.recent, "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.recent.copy_(state["recent"])
        self.epoch.copy_(state["epoch"])


def _means(sums: Tensor) -> Means:
    loss, correct, images = sums.tolist()
    return Means(loss / max(images, 1), correct / max(images, 1))
