"""One of the runs of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framework.evaluation.intervals import wilson_interval
from framework.evaluation.paired import LEVEL, Paired
from framework.evaluation.untested import untested_classes
from framework.registry import default_task

if TYPE_CHECKING:
    from framework.components import Task
    from framework.evaluation.bootstrap import Interval
    from framework.evaluation.predictions import Predictions
    from framework.runs.trained import Trained

COSTS = ("parameters", "multiply_adds", "seconds", "images_per_second")


@dataclass(frozen=True)
class ComparedRun:
    """A run with its metrics and its difference to the baseline, which is the first run."""

    name: str
    trained: Trained
    metrics: Mapping[str, Any]
    predictions: Predictions | None
    no_predictions: str = ""
    """The reason if there are no predictions."""
    paired: Paired | None = None
    """The difference to the baseline; its p is adjusted for the number of comparisons."""
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    """The 95 % intervals of metrics, by name, without that of accuracy."""
    differences: Mapping[str, tuple[float, Interval]] = field(default_factory=dict)
    """The differences of metrics to the baseline with their 95 % intervals, by name, without that of accuracy."""
    task: Task = field(default_factory=default_task)

    @property
    def accuracy(self) -> float:
        """The fraction of images whose prediction is right."""
        value: float = self.metrics[self.task.accuracy]
        return value

    @property
    def interval(self) -> Interval:
        """The 95 % interval of accuracy."""
        return wilson_interval(self.accuracy, self.metrics["images"])

    @property
    def significant(self) -> bool:
        """Whether the difference to the baseline is significant at the 5 % level."""
        return self.paired is not None and self.paired.p < LEVEL

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        results = self.trained.documents.get("results", {})
        row: dict[str, Any] = {"run": self.trained.label}
        row |= {key: value for key, value in self.metrics.items() if key != "per_class"}
        row["untested_classes"] = untested_classes(self.metrics)
        row[f"{self.task.accuracy}_interval"] = list(self.interval)
        row |= {f"{name}_interval": list(interval) for name, interval in self.intervals.items()}
        row |= {key: results[key] for key in COSTS if key in results}
        if self.paired:
            metrics = {
                name: {"difference": value, "interval": list(interval)}
                for name, (value, interval) in self.differences.items()
            }
            row["compared_with_baseline"] = {**self.paired.as_dict(self.task.accuracy), "significant": self.significant}
            row["compared_with_baseline"] |= {"metrics": metrics} if metrics else {}
        elif self.no_predictions:
            row["no_predictions"] = self.no_predictions
        return row
