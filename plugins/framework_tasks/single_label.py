"""One class for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from framework import MetricFormat, Task, UserError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from framework import Confusion, Predicted


class SingleLabel(Task):
    """One class for each image, by one label or by votes (soft labels).

    With soft labels, a dataset has a number for each image and class; rows are divided by their sum. The network is
    trained on the distribution and evaluated against the most frequent class and the distribution.
    """

    name = "single_label"
    aliases = ("multiclass", "SingleLabelClassification")
    monitor: ClassVar[str] = "top1"
    training_metric: ClassVar[str] = "top1"
    metric_formats: ClassVar[Mapping[str, MetricFormat]] = {
        "top1": MetricFormat("top-1", monitor=True, proportion=True),
        "top5": MetricFormat("top-5", proportion=True),
        "balanced_accuracy": MetricFormat("balanced accuracy", monitor=True),
        "macro_f1": MetricFormat("macro F1", monitor=True),
        "loss": MetricFormat("loss", percent=False, greater_is_better=False, monitor=True),
        "ece": MetricFormat("ECE", greater_is_better=False),
        "soft_loss": MetricFormat("loss on votes", percent=False, greater_is_better=False),
        "total_variation": MetricFormat("distance to votes", greater_is_better=False),
    }

    def check_labels(
        self, labels: NDArray[Any], classes: Sequence[str], names: Sequence[str]
    ) -> NDArray[np.int64] | NDArray[np.float32]:
        """Int64 N as given, or float32 N×K whose rows sum to 1; raises `UserError` for a row that has no sum."""
        import numpy as np

        if labels.ndim == 1:
            return labels
        sums = labels.sum(axis=1)
        wrong = np.flatnonzero(~(np.isfinite(labels).all(axis=1) & (labels >= 0).all(axis=1) & (sums > 0)))
        if len(wrong):
            row = ", ".join(f"{value:g}" for value in labels[wrong[0]][:12])
            raise UserError(
                f"image '{names[wrong[0]]}' has the soft label [{row}]: its numbers, one for each class, must be at "
                "least 0 and not all be 0 (task: single_label)"
            )
        soft: NDArray[np.float32] = (labels / sums[:, None]).astype(np.float32)
        return soft

    def label_names(self, labels: NDArray[Any], classes: Sequence[str]) -> list[tuple[str, ...]]:
        """The class of each image; of soft labels, the most frequent one."""
        return [(classes[label],) for label in _majority(labels).tolist()]

    def label_statistics(self, labels: NDArray[Any], classes: Sequence[str]) -> dict[str, float]:
        """Of soft labels, the mean fraction of the most frequent class."""
        return {} if labels.ndim == 1 else {"agreement_on_labels": float(labels.max(axis=1).mean())}

    def hold_out(
        self,
        names: Sequence[str],
        labels: NDArray[Any],
        classes: Sequence[str],
        fractions: Mapping[str, float],
        seed: int,
    ) -> dict[str, list[int]]:
        """A fraction of each class, as `stratified` holds it out; of soft labels, by the most frequent class."""
        from framework import stratified

        return stratified(names, [name for (name,) in self.label_names(labels, classes)], fractions, seed)

    def targets(self, labels: Tensor, classes: Tensor) -> Tensor:
        """One-hot vectors, or the distributions."""
        return (labels[:, None] == classes).float() if labels.ndim == 1 else labels

    def balanced_order(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Every class equally often; of soft labels, every most frequent class."""
        from framework import balanced

        single = labels if labels.ndim == 1 else labels.argmax(dim=1)
        groups = [(single == label).nonzero().flatten() for label in single.unique()]
        return balanced(groups, len(single), generator)

    def weighted(self, losses: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The sum over the classes, times the weight of the image's class."""
        return losses.sum(dim=1) * (targets @ weights)

    def score(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Images whose most probable class is the true one."""
        return (logits.argmax(dim=1) == targets.argmax(dim=1)).sum()

    def true_labels(self, labels: Tensor) -> tuple[Tensor, Tensor | None]:
        """The class of each image, int64 N, and the distributions if labels are soft."""
        return (labels, None) if labels.ndim == 1 else (labels.argmax(dim=1), labels)

    def predicted(self, predictions: Predicted) -> Tensor:
        """Int64 N: the most probable class of each image."""
        return predictions.logits.argmax(dim=1)

    def correct(self, predictions: Predicted) -> Tensor:
        """Bool N: whether the most probable class is the true one."""
        return self.predicted(predictions) == predictions.labels

    def confidences(self, predictions: Predicted) -> Tensor:
        """Float64 N: the probability of the most probable class."""
        from framework import highest_probabilities

        return highest_probabilities(predictions.logits, predictions.activation)

    def calibration_points(self, predictions: Predicted) -> tuple[Tensor, Tensor]:
        """The probability of the most probable class, float64 N, and whether it is the true one, bool N."""
        return self.confidences(predictions), self.correct(predictions)

    def metrics(self, predictions: Predicted) -> dict[str, Any]:
        """As `classification_metrics` returns them; with soft labels also the distance to the distributions."""
        from framework import classification_metrics, soft_label_metrics

        activation = predictions.activation
        hard = classification_metrics(predictions.logits, predictions.labels, predictions.classes, activation)
        if predictions.targets is None:
            return hard
        soft = soft_label_metrics(predictions.logits, predictions.targets, activation)
        per_class = hard.pop("per_class")
        return {**hard, **soft, "per_class": per_class}

    def intervals(self, predictions: Predicted) -> dict[str, tuple[float, float]]:
        """Those of balanced accuracy, macro F1 and ECE; with soft labels also of the distance to the distributions."""
        from framework import classification_intervals, soft_label_intervals

        hard = classification_intervals(predictions, *self.calibration_points(predictions))
        if predictions.targets is None:
            return hard
        return hard | soft_label_intervals(predictions.logits, predictions.targets, predictions.activation)

    def confusion(self, predictions: Predicted) -> Confusion:
        """The confusion matrix."""
        from framework import Confusion

        predicted = self.predicted(predictions).numpy()
        return Confusion.count(predictions.labels.numpy(), predicted, predictions.classes)

    def decide(
        self, probabilities: Sequence[float], classes: Sequence[str], thresholds: Sequence[float] | None
    ) -> list[tuple[str, float]]:
        """The most probable class."""
        best = max(range(len(classes)), key=probabilities.__getitem__)
        return [(classes[best], probabilities[best])]


def _majority(labels: NDArray[Any]) -> NDArray[np.int64]:
    majority: NDArray[np.int64] = labels if labels.ndim == 1 else labels.argmax(axis=1)
    return majority
