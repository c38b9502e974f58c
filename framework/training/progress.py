"""How far a run is, and its best validation score so far: the part of a checkpoint that is plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.attribution import full_name
from framework.errors import RunFailed

if TYPE_CHECKING:
    from framework.components import Metric


@dataclass
class Progress:
    """Counters of a run over all its sessions; times are in seconds."""

    step: int = 0
    """Optimizer steps completed."""
    seconds: float = 0.0
    """Training and validation."""
    step_seconds: float = 0.0
    """Training steps alone."""
    total_seconds: float = 0.0
    """Everything, including data preparation and building the network."""
    kept: dict[str, Any] | None = None
    """`epoch` and `step` of the weights saved for the end of the run."""
    best: float | None = None
    """The best validation score so far; lower is better."""
    epochs_without_gain: int = 0
    stopped: str | None = None
    """Why training ended before its last step: `max_time` or `patience`."""

    def add_score(self, score: float | None) -> bool:
        """Count an epoch with its validation score, if there is one; returns whether it is the best so far."""
        improved = self.best is None or score is None or score < self.best
        if improved:
            self.best = score
        self.epochs_without_gain = 0 if improved else self.epochs_without_gain + 1
        return improved


def monitored_score(metrics: Mapping[str, Any], monitor: str | Metric) -> float:
    """The metric `train.monitor`, negated if greater is better; raises `RunFailed` if it is undefined."""
    if isinstance(monitor, str):
        name, greater_is_better = monitor, monitor != "loss"
    else:
        name, greater_is_better = full_name(monitor), monitor.greater_is_better
    if metrics[name] is None:
        raise RunFailed(f"train.monitor: '{name}' is undefined on the validation split; choose another metric")
    value = float(metrics[name])
    return -value if greater_is_better else value
