"""The multi-class metrics of torchmetrics (Lightning-AI/torchmetrics)."""

from __future__ import annotations

import functools
import importlib.util
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from framework import Metric, UserError, did_you_mean, hookimpl
from framework.components import Component

if TYPE_CHECKING:
    from torch import Tensor

NOT_NUMBERS = ("ConfusionMatrix", "EER", "ExactMatch", "LogAUC", "PrecisionRecallCurve", "ROC", "StatScores")
"""Metrics that are not one number by default, or not of one class for each image; likewise `RecallAtFixedPrecision`."""
MISSING = "metric 'torchmetrics' needs torchmetrics: pip install 'framework[torchmetrics]'"


class Torchmetrics(Metric):
    """Any multi-class metric of torchmetrics: `torchmetrics/AUROC` is `torchmetrics.classification.MulticlassAUROC`."""

    name = "torchmetrics"
    shorthand = "metric"

    metric: str = Field(examples=["F1Score"])
    """Name in torchmetrics, without `Multiclass`."""
    options: dict[str, bool | int | float | str] = Field(default_factory=dict)
    """Arguments of the metric, such as `{average: weighted}`."""

    @classmethod
    def variants(cls) -> Sequence[str]:
        """The metrics of the installed torchmetrics."""
        return multiclass_metrics()

    @field_validator("metric")
    @classmethod
    def _is_known(cls, metric: str) -> str:
        names = multiclass_metrics()
        if names and metric not in names:
            raise ValueError(f"torchmetrics has no multi-class metric '{metric}'{did_you_mean(metric, names)}")
        return metric

    @property
    def greater_is_better(self) -> bool:  # type: ignore[override]
        """As torchmetrics declares it."""
        return self._class().higher_is_better is not False

    def build(self, classes: Sequence[str]) -> Callable[[Tensor, Tensor], Tensor]:
        """A function of probabilities N×K and labels N. Raises `UserError` for wrong options."""
        try:
            metric = self._class()(num_classes=len(classes), **self.options)
        except (TypeError, ValueError) as error:
            raise UserError(f"metric 'torchmetrics/{self.metric}' rejects its options: {error}") from error

        def compute(probabilities: Tensor, labels: Tensor) -> Tensor:
            metric.reset()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about classes without images
                metric.update(probabilities, labels)
                value: Tensor = metric.compute()
            return value

        return compute

    def _class(self) -> Any:
        try:
            from torchmetrics import classification
        except ImportError as error:
            raise UserError(f"{MISSING} ({error})") from error
        return getattr(classification, f"Multiclass{self.metric}")


@functools.cache
def multiclass_metrics() -> tuple[str, ...]:
    """The names, read from the source because importing torchmetrics takes seconds; empty if it is not installed."""
    spec = importlib.util.find_spec("torchmetrics")
    if spec is None or spec.origin is None:
        return ()
    text = (Path(spec.origin).parent / "classification" / "__init__.py").read_text(encoding="utf-8")
    names = set(re.findall(r"\bMulticlass(\w+)", text)) - set(NOT_NUMBERS)
    return tuple(sorted(name for name in names if not re.search("At[A-Z]", name)))


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [Torchmetrics]
