"""Metrics of a split, in addition to those of every run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from framework import Metric

if TYPE_CHECKING:
    from torch import Tensor

Compute = Callable[["Tensor", "Tensor"], "Tensor | float"]


class CohenKappa(Metric):
    """Cohen's kappa: agreement of predictions and labels beyond chance (Cohen, 1960), 1 for perfect agreement."""

    name = "cohen_kappa"
    aliases = ("CohenKappa", "kappa", "quadratic_weighted_kappa", "qwk")
    title: ClassVar[str] = "Cohen’s kappa"
    weights: Literal["none", "linear", "quadratic"] = "none"
    """Weight of an error by the distance of the classes, for ordered classes such as grades; `none`: all equal."""

    def build(self) -> Compute:
        """A function of probabilities N×K and labels N; undefined if both have only one class."""
        from framework_torch._metrics import cohen_kappa

        return partial(cohen_kappa, power={"none": 0, "linear": 1, "quadratic": 2}[self.weights])


class MCC(Metric):
    """Matthews correlation coefficient for several classes (Gorodkin, 2004); 0 if only one class is predicted."""

    name = "mcc"
    aliases = ("MatthewsCorrCoef", "matthews_corrcoef")
    title: ClassVar[str] = "MCC"

    def build(self) -> Compute:
        """A function of probabilities N×K and labels N."""
        from framework_torch._metrics import matthews

        return matthews


class MacroAUROC(Metric):
    """Area under the ROC curve of each class against the rest, averaged over the classes that have images."""

    name = "auroc_macro"
    aliases = ("AUROC", "roc_auc", "roc_auc_score", "auc")
    title: ClassVar[str] = "macro AUROC"
    percent: ClassVar[bool] = True

    def build(self) -> Compute:
        """A function of probabilities N×K and labels N; undefined if all images have the same class."""
        from framework_torch._metrics import macro_auroc

        return macro_auroc


class Brier(Metric):
    """Brier score: mean squared distance of the probabilities from the labels (Brier, 1950); 0 is best, 2 worst."""

    name = "brier"
    aliases = ("BrierScore", "brier_score_loss")
    title: ClassVar[str] = "Brier score"
    greater_is_better: ClassVar[bool] = False

    def build(self) -> Compute:
        """A function of probabilities N×K and labels N."""
        from framework_torch._metrics import brier

        return brier


METRICS = (CohenKappa, MCC, MacroAUROC, Brier)
