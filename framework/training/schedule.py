"""A learning rate scheduler that steps after each optimizer step or, for `ReduceLROnPlateau`, after each epoch."""

from __future__ import annotations

from typing import Any

from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from framework.attribution import attributed_to
from framework.components import Scheduler


class Schedule:
    """Any PyTorch learning rate scheduler."""

    def __init__(self, scheduler: LRScheduler, component: Scheduler) -> None:
        self.scheduler = scheduler
        self.component = component
        self.needs_validation = isinstance(scheduler, ReduceLROnPlateau)

    def step(self) -> None:
        """Advance after an optimizer step."""
        if not self.needs_validation:
            with attributed_to(self.component, "step()"):
                self.scheduler.step()

    def epoch_done(self, score: float | None) -> None:
        """Advance after an epoch with this validation score; lower is better."""
        if not self.needs_validation:
            return
        assert score is not None, "build_session requires the split"
        with attributed_to(self.component, "step()"):
            self.scheduler.step(score)  # type: ignore[arg-type]

    @property
    def lr(self) -> float:
        """The highest learning rate of the parameter groups."""
        return max(float(group["lr"]) for group in self.scheduler.optimizer.param_groups)

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's state."""
        return self.scheduler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the scheduler's state."""
        self.scheduler.load_state_dict(state)
