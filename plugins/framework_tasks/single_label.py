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
    accuracy: ClassVar[str] = "top1"
    interval_note: ClassVar[str] = (
        "Balanced accuracy and macro F1: Wilson score intervals for the effective number of images, from the variance "
        "of 1,000 bootstrap resamples. ECE: bias-corrected, so the ECE itself may lie above its interval on few images."
    )
    metric_formats: ClassVar[Mapping[str, MetricFormat]] = {
        "top1": MetricFormat(
            "top-1", monitor=True, proportion=True, brief=True, meaning="fraction of correct predictions"
        ),
        "top5": MetricFormat("top-5", proportion=True, meaning="true class among the five most probable"),
        "balanced_accuracy": MetricFormat(
            "balanced accuracy", monitor=True, brief=True, meaning="mean recall of the classes",
            class_count="tested_classes",
        ),
        "macro_f1": MetricFormat(
            "macro F1", monitor=True, brief=True, meaning="mean F1 of the classes", class_count="f1_classes"
        ),
        "loss": MetricFormat(
            "loss", percent=False, greater_is_better=False, monitor=True, meaning="cross entropy in nats"
        ),
        "ece": MetricFormat("ECE", greater_is_better=False, brief=True, meaning="expected calibration error"),
        "soft_loss": MetricFormat(
            "loss on votes", percent=False, greater_is_better=False,
            meaning="cross entropy against the distribution of the votes, in nats",
        ),
        "total_variation": MetricFormat(
            "distance to votes", greater_is_better=False,
            meaning="probability that would have to move to match the votes: 0 % is equal, 100 % disjoint",
        ),
    }  # fmt: skip

    def check_labels(
        self, labels: NDArray[Any], classes: Sequence[str], names: Sequence[str]
    ) -> NDArray[np.int64] | NDArray[np.float32]:
        """Int64 N as given, or float32 N×K whose rows sum to 1; raises `UserError` for a row that has no sum."""
        import numpy as np

        if labels.ndim == 1:
            return labels
        sums = labels.sum(axis=1)
        wrong = np.flatnonzero(~(np.isfinite(sums) & (labels >= 0).all(axis=1) & (sums > 0)))
        if len(wrong):
            row = ", ".join(f"{value:g}" for value in labels[wrong[0]][:12])
            raise UserError(
                f"image '{names[wrong[0]]}' has the soft label [{row}]: its numbers, one for each class, must be at "
                "least 0, not all 0, and have a finite sum; images with several labels or none need task=multi_label"
            )
        if ((labels == 0) | (labels == 1)).all() and (several := np.flatnonzero(sums > 1)).size:
            raise UserError(
                f"image '{names[several[0]]}' has {sums[several[0]]:g} labels: set task=multi_label, or give "
                "votes as probabilities, such as 0.5 and 0.5"
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

    def ties(self, predictions: Predicted, predicted: Tensor, tolerance: float) -> Tensor:
        """Whether the predicted class is as probable as the most probable one, up to the tolerance."""
        values = predictions.probabilities
        return values.amax(dim=1) - values.gather(1, predicted[:, None])[:, 0] <= tolerance

    def findings(
        self,
        metrics: Mapping[str, Any],
        images: str,
        interval: tuple[float, float] | None,
        confusion: Confusion | None,
        calibration: tuple[float, float] | None,
    ) -> list[str]:
        """Accuracy, the lowest and the highest recall, the most frequent confusion, and over- or underconfidence."""
        per_class, top1 = metrics["per_class"], metrics["top1"]
        frequent = max(per_class, key=lambda name: per_class[name]["support"])
        between = f" (95 % interval {100 * interval[0]:.1f} to {100 * interval[1]:.1f} %)" if interval else ""
        found = [
            f"Top-1 accuracy is **{_percent(top1)}** on {images}{between}. Always predicting `{frequent}` would give "
            f"{_percent(per_class[frequent]['support'] / metrics['images'])}."
        ]
        recalls = {name: row["recall"] for name, row in per_class.items() if row["support"]}
        lowest, highest = min(recalls, key=recalls.__getitem__), max(recalls, key=recalls.__getitem__)
        if recalls[lowest] < recalls[highest]:
            number = per_class[lowest]["support"]
            found.append(
                f"Lowest recall: `{lowest}`, {_percent(recalls[lowest])} of {number:,} "
                f"image{'' if number == 1 else 's'}. Highest recall: `{highest}`, {_percent(recalls[highest])}."
            )
        for true, predicted, number, of in confusion.mistakes(1) if confusion else ():
            found.append(
                f"Most frequent confusion: `{true}` predicted as `{predicted}`, {number:,} of {of:,} "
                f"image{'' if of == 1 else 's'} ({_percent(number / of)})."
            )
        if calibration:
            gap = calibration[0] - top1
            word = "well calibrated on average" if abs(gap) < 0.01 else "overconfident" if gap > 0 else "underconfident"
            found.append(f"The model is {word}: mean confidence {_percent(calibration[0])}, accuracy {_percent(top1)}.")
        return found

    def decide(
        self, probabilities: Sequence[float], classes: Sequence[str], thresholds: Sequence[float] | None
    ) -> list[tuple[str, float]]:
        """The most probable class."""
        best = max(range(len(classes)), key=probabilities.__getitem__)
        return [(classes[best], probabilities[best])]

    def fields(self, decided: Sequence[tuple[str, float]]) -> dict[str, Any]:
        """`class`: its name, or None."""
        return {"class": decided[0][0] if decided else None}


def _majority(labels: NDArray[Any]) -> NDArray[np.int64]:
    majority: NDArray[np.int64] = labels if labels.ndim == 1 else labels.argmax(axis=1)
    return majority


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"
