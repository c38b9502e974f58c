"""Any number of labels for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from framework import MetricFormat, Task, UserError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from framework import Confusion, Loss, Predicted


MOST = 5
"""Labels that an advice names."""


class MultiLabel(Task):
    """Any number of labels for each image, or none: each class is a decision of its own.

    Needs a loss with an independent probability of each class: `bce` or `asymmetric`. A class is predicted if its
    probability is above a threshold, which is chosen for each class on the validation split (highest F1) and saved with
    the run.
    """

    name = "multi_label"
    aliases = ("multilabel", "MultiLabelClassification", "tagging")
    monitor: ClassVar[str] = "map"
    training_metric: ClassVar[str] = "label_accuracy"
    accuracy: ClassVar[str] = "subset_accuracy"
    interval_note: ClassVar[str] = (
        "mAP, F1 and ranking loss: bootstrap resamples of the images; those of mAP and macro F1 are bias-corrected."
    )
    class_metric: ClassVar[str | None] = "average_precision"
    separator: ClassVar[str] = "|"
    purpose: ClassVar[str] = "label images with any of"
    outcome: ClassVar[str] = "labels"
    metric_formats: ClassVar[Mapping[str, MetricFormat]] = {
        "map": MetricFormat(
            "mAP", monitor=True, brief=True, meaning="mean average precision of the classes",
            class_count="tested_classes",
        ),
        "micro_f1": MetricFormat("micro F1", monitor=True, brief=True, meaning="F1 over all labels of all images"),
        "macro_f1": MetricFormat(
            "macro F1", monitor=True, brief=True, meaning="mean F1 of the classes", class_count="f1_classes"
        ),
        "subset_accuracy": MetricFormat(
            "subset accuracy", monitor=True, proportion=True, brief=True,
            meaning="fraction of images whose labels are all right and complete",
        ),
        "label_accuracy": MetricFormat(
            "label accuracy", meaning="fraction of decisions, one for each image and class, that are right"
        ),
        "ranking_loss": MetricFormat(
            "ranking loss", greater_is_better=False, monitor=True,
            meaning="pairs of a true and another label in the wrong order",
        ),
        "loss": MetricFormat(
            "loss", percent=False, greater_is_better=False, monitor=True,
            meaning="binary cross entropy, summed over the classes, in nats",
        ),
        "ece": MetricFormat(
            "ECE", greater_is_better=False, brief=True, meaning="expected calibration error over all labels"
        ),
    }  # fmt: skip

    def check_labels(
        self, labels: NDArray[Any], classes: Sequence[str], names: Sequence[str]
    ) -> NDArray[np.int64] | NDArray[np.float32]:
        """Float32 N×K of 0 and 1; raises `UserError` for any other number."""
        import numpy as np

        if labels.ndim == 1:
            one_hot: NDArray[np.float32] = np.eye(len(classes), dtype=np.float32)[labels]
            return one_hot
        wrong = np.flatnonzero(((labels != 0) & (labels != 1)).any(axis=1))
        if len(wrong):
            column = int(((labels[wrong[0]] != 0) & (labels[wrong[0]] != 1)).argmax())
            raise UserError(
                f"image '{names[wrong[0]]}' has the value {labels[wrong[0], column]:g} for '{classes[column]}'; it "
                "must be 0 or 1 (task: multi_label; votes and probabilities need single_label)"
            )
        return np.asarray(labels, dtype=np.float32)

    def label_names(self, labels: NDArray[Any], classes: Sequence[str]) -> list[tuple[str, ...]]:
        """The labels of each image."""
        return [tuple(classes[column] for column in row.nonzero()[0]) for row in labels]

    def label_statistics(self, labels: NDArray[Any], classes: Sequence[str]) -> dict[str, float]:
        """Label cardinality and density (Tsoumakas and Katakis, 2007), and images without labels."""
        per_image = labels.sum(axis=1)
        return {
            "label_cardinality": float(per_image.mean()),
            "label_density": float(per_image.mean()) / len(classes),
            "images_without_labels": int((per_image == 0).sum()),
        }

    def label_advice(self, labels: NDArray[Any], classes: Sequence[str]) -> list[str]:
        """Labels that never occur alone, and pairs of labels that always occur together."""
        import numpy as np

        both = labels.T.astype(np.float64) @ labels
        number = both.diagonal()
        same = np.argwhere(np.triu((both == number) & (both == number[:, None]), 1) & (number > 0))
        pairs = [f"{classes[one]} and {classes[other]}" for one, other in same[:MOST]]
        alone = labels[labels.sum(axis=1) == 1].sum(axis=0)
        never = [name for name, single, images in zip(classes, alone, number, strict=True) if images and not single]
        advice = []
        if pairs:
            advice.append(f"labels that always occur together: {', '.join(pairs)}; one of each pair tells nothing new")
        if never:
            more = f" and {len(never) - MOST} more" if len(never) > MOST else ""
            advice.append(f"labels that never occur alone: {', '.join(never[:MOST])}{more}; is another one implied?")
        return advice

    def hold_out(
        self,
        names: Sequence[str],
        labels: NDArray[Any],
        classes: Sequence[str],
        fractions: Mapping[str, float],
        seed: int,
    ) -> dict[str, list[int]]:
        """A fraction of the images of each label, as far as possible (`iteratively_stratified`)."""
        from framework import iteratively_stratified

        return iteratively_stratified(names, labels, classes, fractions, seed)

    def activation(self, loss: Loss) -> Any:
        """Sigmoid; raises `ValueError` for a loss of the softmax."""
        activation = super().activation(loss)
        if activation != "sigmoid":
            raise ValueError(
                f"has one distribution over the classes, but task '{self.name}' needs an independent probability of "
                "each class: set loss=bce or loss=asymmetric"
            )
        return activation

    def targets(self, labels: Tensor, classes: Tensor) -> Tensor:
        """The labels."""
        return labels

    def balanced_order(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Every label equally often, and images without labels as often as one label."""
        import torch

        from framework import balanced

        members = [*labels.T, (labels == 0).all(dim=1)]
        groups = [
            group for group in (torch.as_tensor(of_label).nonzero().flatten() for of_label in members) if len(group)
        ]
        return balanced(groups, len(labels), generator)

    def weighted(self, losses: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The sum over the classes of loss × class weight."""
        return (losses * weights).sum(dim=1)

    def score(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The fraction of labels that are right at a threshold of 0.5, summed over the images."""
        return ((logits > 0) == (targets > 0.5)).float().mean(dim=1).sum()

    def true_labels(self, labels: Tensor) -> tuple[Tensor, Tensor | None]:
        """Int64 N×K of 0 and 1."""
        return labels.long(), None

    def thresholds(self, predictions: Predicted) -> Tensor:
        """The threshold of each class with the highest F1, as logits."""
        from framework import best_thresholds

        return best_thresholds(predictions.logits, predictions.labels)

    def predicted(self, predictions: Predicted) -> Tensor:
        """Int64 N×K: 1 for each class above its threshold, by default a probability of 0.5."""
        thresholds = 0.0 if predictions.thresholds is None else predictions.thresholds
        return (predictions.logits.double() > thresholds).long()

    def correct(self, predictions: Predicted) -> Tensor:
        """Bool N: whether all labels of the image are predicted, and no other."""
        return (self.predicted(predictions) == predictions.labels).all(dim=1)

    def confidences(self, predictions: Predicted) -> Tensor:
        """Float64 N: the probability of the predicted labels, as if labels were independent."""
        chosen, values = self.predicted(predictions) > 0, predictions.probabilities
        return values.where(chosen, 1 - values).log().sum(dim=1).exp()

    def calibration_points(self, predictions: Predicted) -> tuple[Tensor, Tensor]:
        """The probability of each label of each image, N·K, and whether the image has it."""
        return predictions.probabilities.flatten(), predictions.labels.flatten() > 0

    def metrics(self, predictions: Predicted) -> dict[str, Any]:
        """As `multilabel_metrics` returns them."""
        from framework import multilabel_metrics

        return multilabel_metrics(predictions, self.predicted(predictions))

    def intervals(self, predictions: Predicted) -> dict[str, tuple[float, float]]:
        """Those of mAP, micro and macro F1 and ranking loss."""
        from framework import multilabel_intervals

        return multilabel_intervals(predictions, self.predicted(predictions))

    def confusion(self, predictions: Predicted) -> Confusion:
        """How often each label is predicted wrongly where another one is true."""
        from framework import CoOccurrence

        predicted = self.predicted(predictions).numpy()
        return CoOccurrence.of_labels(predictions.labels.numpy(), predicted, predictions.classes)

    def differences(self, first: Predicted, other: Predicted) -> dict[str, tuple[float, tuple[float, float]]]:
        """Those of mAP, micro and macro F1 and ranking loss, by a paired bootstrap."""
        from framework import multilabel_differences

        return multilabel_differences(first, self.predicted(first), other, self.predicted(other))

    def ties(self, predictions: Predicted, predicted: Tensor, tolerance: float) -> Tensor:
        """Whether each label that differs has a probability at its threshold, up to the tolerance."""
        limits = 0.5 if predictions.thresholds is None else predictions.thresholds.sigmoid()
        near = (predictions.probabilities - limits).abs() <= tolerance
        return (near | (self.predicted(predictions) == predicted)).all(dim=1)

    def findings(
        self,
        metrics: Mapping[str, Any],
        images: str,
        interval: tuple[float, float] | None,
        confusion: Confusion | None,
        calibration: tuple[float, float] | None,
    ) -> list[str]:
        """mAP, subset accuracy, the easiest and the hardest class, the most frequent error, calibration."""
        tested = {name: row for name, row in metrics["per_class"].items() if row["support"]}
        between = f" (95 % interval {100 * interval[0]:.1f} to {100 * interval[1]:.1f} %)" if interval else ""
        found = []
        if tested:
            chance = sum(row["support"] for row in tested.values()) / len(tested) / metrics["images"]
            found.append(
                f"mAP is **{_percent(metrics['map'])}** on {images}{between}; random scores would give about "
                f"{_percent(chance)}."
            )
        found.append(
            f"All labels of {_percent(metrics['subset_accuracy'])} of the images are predicted, and no others."
        )
        precisions = {name: row["average_precision"] for name, row in tested.items()}
        if len(set(precisions.values())) > 1:
            low, high = min(precisions, key=precisions.__getitem__), max(precisions, key=precisions.__getitem__)
            found.append(
                f"Lowest average precision: `{low}`, {_percent(precisions[low])}, with {tested[low]['support']:,} of "
                f"{metrics['images']:,} images. Highest: `{high}`, {_percent(precisions[high])}."
            )
        for true, predicted, number, of in confusion.mistakes(1) if confusion else ():
            found.append(
                f"Most frequent error beside a true label: `{predicted}` is predicted wrongly for {number:,} of {of:,} "
                f"images with `{true}` ({_percent(number / of)})."
            )
        if calibration:
            gap = calibration[0] - calibration[1]
            word = "right on average" if abs(gap) < 0.01 else "too high" if gap > 0 else "too low"
            found.append(
                f"Probabilities are {word}: a label has a mean probability of {_percent(calibration[0])}, and "
                f"{_percent(calibration[1])} of the labels are true."
            )
        return found

    def decide(
        self, probabilities: Sequence[float], classes: Sequence[str], thresholds: Sequence[float] | None
    ) -> list[tuple[str, float]]:
        """The classes whose probability is above their threshold, highest first."""
        limits = thresholds or [0.5] * len(classes)
        rows = zip(classes, probabilities, limits, strict=True)
        chosen = [(name, probability) for name, probability, limit in rows if probability > limit]
        return sorted(chosen, key=lambda pair: -pair[1])

    def fields(self, decided: Sequence[tuple[str, float]]) -> dict[str, Any]:
        """`labels`: their names."""
        return {"labels": [name for name, _ in decided]}


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"
