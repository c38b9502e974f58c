"""When a scheduler is told what: most of them each step, `ReduceLROnPlateau` each epoch's validation figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from framework.attribution import attributed_to

if TYPE_CHECKING:
    from framework.components import Scheduler


class Schedule:
    """Any torch LR scheduler behind two calls."""

    def __init__(self, scheduler: LRScheduler, component: Scheduler) -> None:
        self.scheduler = scheduler
        self.component = component
        self.waits_for_validation = isinstance(scheduler, ReduceLROnPlateau)

    def step(self) -> None:
        """An optimizer step is done."""
        if not self.waits_for_validation:
            with attributed_to(self.component, "step()"):
                self.scheduler.step()

    def epoch_done(self, figure: float | None) -> None:
        """An epoch is done; `figure` is what `train.monitor` names, turned so that lower is better."""
        if not self.waits_for_validation:
            return
        assert figure is not None, "a session requires the split"
        with attributed_to(self.component, "step()"):
            self.scheduler.step(figure)  # type: ignore[arg-type]

    @property
    def lr(self) -> float:
        """The highest learning rate of all parameter groups."""
        return max(float(group["lr"]) for group in self.scheduler.optimizer.param_groups)

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's state."""
        return self.scheduler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.scheduler.load_state_dict(state)
