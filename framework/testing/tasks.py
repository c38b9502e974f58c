"""Checks of tasks."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np
import torch

from framework.components import Activation, Loss, Task
from framework.errors import UserError
from framework.evaluation.predictions import Predictions
from framework.testing.check import Check, Subject, require

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


class _AnyLoss(Loss):
    """A loss with this activation."""

    name = "any"
    returned: Activation
    """The activation."""

    def build(self) -> None:
        """Never called."""

    def activation(self) -> Activation:
        """As given."""
        return self.returned


IMAGES = 60
NAMES = tuple(f"{index:02}.png" for index in range(IMAGES))


def declared_metrics(subject: Subject) -> None:
    """`monitor`, `training_metric` and `accuracy` are metrics of the task."""
    task = _task(subject)
    for name in ("monitor", "training_metric", "accuracy"):
        value = getattr(task, name, None)
        require(value in task.metric_formats, f"{name} is {value!r}, which is not in metric_formats")
    require(task.metric_formats[task.monitor].monitor, f"monitor '{task.monitor}' has not monitor=True")
    require("loss" in task.metric_formats, "metric_formats has no 'loss'")


def labels(subject: Subject) -> None:
    """Labels are int64 N or float32 N×K, and have names."""
    task, given = _task(subject), _indices(subject)
    found = task.check_labels(given, subject.classes, NAMES)
    shapes = {(IMAGES,): np.int64, (IMAGES, len(subject.classes)): np.float32}
    require(
        shapes.get(found.shape) == found.dtype,
        f"check_labels() returned {found.dtype} of shape {found.shape}; it must be int64 N or float32 N×K",
    )
    again = task.check_labels(given.copy(), subject.classes, NAMES)
    require(np.array_equal(found, again), "check_labels() returned other labels for the same ones")
    names = task.label_names(found, subject.classes)
    require(len(names) == IMAGES, f"label_names() returned {len(names)} entries for {IMAGES} images")
    unknown = {name for of_image in names for name in of_image} - set(subject.classes)
    require(not unknown, f"label_names() has names that are no classes: {sorted(unknown)}")


def invalid_labels(subject: Subject) -> None:
    """A label that is not a number is a `UserError` that names its image."""
    matrix = np.eye(len(subject.classes))[_indices(subject)]
    matrix[7] = np.nan
    try:
        _task(subject).check_labels(matrix, subject.classes, NAMES)
    except UserError as error:
        require(NAMES[7] in str(error), f"its error does not name the image '{NAMES[7]}': {error}")
        return
    require(False, "check_labels() accepts NaN")


def held_out(subject: Subject) -> None:
    """Every image is in one split; the order of the images has no effect."""
    task, valid = _task(subject), _labels(subject)
    fractions = {"test": 0.2, "validation": 0.1}
    parts = task.hold_out(NAMES, valid, subject.classes, fractions, 3)
    indices = sorted(index for part in parts.values() for index in part)
    require(set(parts) == {*fractions, "train"}, f"hold_out() returned the splits {', '.join(parts)}")
    require(indices == list(range(IMAGES)), "hold_out() does not return every image once")
    for split, fraction in fractions.items():
        wanted = IMAGES * fraction
        require(
            abs(len(parts[split]) - wanted) <= wanted / 2, f"{split} has {len(parts[split])} images, not {wanted:g}"
        )
    order = np.random.default_rng(0).permutation(IMAGES)
    shuffled = [NAMES[index] for index in order]
    again = task.hold_out(shuffled, valid[order], subject.classes, fractions, 3)
    for split, part in parts.items():
        same = {NAMES[index] for index in part} == {shuffled[index] for index in again[split]}
        require(same, f"the same images in another order are split differently ({split})")


def training(subject: Subject) -> None:
    """Targets are float32 B×K in [0, 1]; score and weighted losses have the right shapes."""
    task, found = _task(subject), torch.from_numpy(_labels(subject))
    targets, number = _targets(subject), len(subject.classes)
    expected = (IMAGES, number)
    require(
        targets.shape == expected and targets.dtype == torch.float32,
        f"targets() returned {targets.dtype} of shape {tuple(targets.shape)}; it must be float32 of shape {expected}",
    )
    require(bool(((targets >= 0) & (targets <= 1)).all()), "targets() returned values outside of [0, 1]")
    score = task.score(_logits(subject), targets)
    require(score.ndim == 0, f"score() returned shape {tuple(score.shape)}; it must be a scalar")
    require(
        math.isclose(float(score), IMAGES, rel_tol=1e-5),
        f"score() of perfect predictions is {float(score):g}; it must be the number of images, {IMAGES}",
    )
    weighted = task.weighted(torch.ones(expected), targets, torch.ones(number))
    require(weighted.shape == (IMAGES,), f"weighted() returned shape {tuple(weighted.shape)}; it must be B")
    orders = [task.balanced_order(found, torch.Generator().manual_seed(seed)) for seed in (1, 1)]
    valid = orders[0].shape == (IMAGES,) and bool(((orders[0] >= 0) & (orders[0] < IMAGES)).all())
    require(valid, "balanced_order() must return N indices of images")
    require(torch.equal(*orders), "balanced_order() returned another order for the same generator state")


def metrics(subject: Subject) -> None:
    """Metrics are plain numbers, and perfect predictions are not worse than random ones."""
    task, good, bad = _task(subject), _predictions(subject), _predictions(subject, perfect=False)
    found, others = good.metrics(), bad.metrics()
    json.dumps(found)
    for name in ("images", "loss", "per_class", task.monitor):
        require(name in found, f"metrics() lacks '{name}'")
    shown = {name: found[name] for name in task.metric_formats if name in found}
    wrong = [name for name, value in shown.items() if not (value is None or _is_finite(value))]
    require(not wrong, f"metrics() has values that are no finite numbers: {', '.join(wrong)}")
    support = [row.get("support") for row in found["per_class"].values()]
    require(list(found["per_class"]) == list(subject.classes), "per_class must have an entry for each class, in order")
    require(None not in support, "the entries of per_class need 'support', the number of images")
    accuracy = float(bad.correct.double().mean())
    require(
        math.isclose(others[task.accuracy], accuracy, abs_tol=1e-9),
        f"{task.accuracy} is {others[task.accuracy]:g}; it must be the mean of correct(), {accuracy:g}",
    )
    sign = 1 if task.metric_formats[task.monitor].greater_is_better else -1
    one, other = found[task.monitor], others[task.monitor]
    require(sign * one >= sign * other, f"perfect predictions have {task.monitor} {one:g}, random ones {other:g}")
    outside = [name for name, (low, high) in good.task.intervals(bad).items() if not low <= high]
    require(not outside, f"intervals() has ends in the wrong order: {', '.join(outside)}")


def decisions(subject: Subject) -> None:
    """What is predicted agrees with the metrics, and consists of classes with their probabilities."""
    task, good, bad = _task(subject), _predictions(subject), _predictions(subject, perfect=False)
    require(bool(good.correct.all()), "correct() is not true for perfect predictions")
    require(good.predicted.shape == good.labels.shape, "predicted() must return the form of the true labels")
    require(
        bad.confidences.shape == (IMAGES,) and bool(((bad.confidences >= 0) & (bad.confidences <= 1)).all()),
        "confidences() must be N probabilities",
    )
    confusion = good.confusion()
    require(confusion.confused_pairs == 0, "the confusion of perfect predictions has entries off the diagonal")
    json.dumps(task.fields([]))
    rows = bad.probabilities.tolist()
    for row, names in zip(rows, bad.predicted_names, strict=True):
        decided = task.decide(row, subject.classes, None)
        known = {(name, value) for name, value in zip(subject.classes, row, strict=True)}
        require(set(decided) <= known, f"decide() returned {decided}; it must return classes with their probabilities")
        json.dumps(task.fields(decided))
        values = [value for _, value in decided]
        require(values == sorted(values, reverse=True), "decide() must sort by probability, highest first")
        require(
            {name for name, _ in decided} == set(names),
            f"decide() returned {[name for name, _ in decided]} where predicted() has {list(names)}",
        )


def _task(subject: Subject) -> Task:
    return cast("Task", subject.component)


def _indices(subject: Subject) -> NDArray[np.int64]:
    """A label for each image, 3 of 4 of the first class."""
    indices = np.arange(IMAGES, dtype=np.int64)
    return np.where(indices % 4, 0, indices // 4 % len(subject.classes))


def _labels(subject: Subject) -> NDArray[Any]:
    return _task(subject).check_labels(_indices(subject), subject.classes, NAMES)


def _targets(subject: Subject) -> Tensor:
    return _task(subject).targets(torch.from_numpy(_labels(subject)), torch.arange(len(subject.classes)))


def _logits(subject: Subject) -> Tensor:
    """Of perfect predictions, with different confidences."""
    return (_targets(subject) - 0.5) * torch.linspace(4, 20, IMAGES)[:, None]


def _predictions(subject: Subject, *, perfect: bool = True) -> Predictions:
    task = _task(subject)
    true, targets = task.true_labels(torch.from_numpy(_labels(subject)))
    random = torch.randn(IMAGES, len(subject.classes), generator=torch.Generator().manual_seed(0))
    logits = _logits(subject) if perfect else random
    return Predictions(
        subject.classes, NAMES, true, logits, activation=_activation(subject), task=task, targets=targets
    )


def _activation(subject: Subject) -> Activation:
    """The first one that the task allows."""
    for name in get_args(Activation):
        with suppress(ValueError):
            return _task(subject).activation(_AnyLoss(returned=name))
    raise UserError("activation() rejects every loss")


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


CHECKS = (
    Check(
        "declared_metrics", "`monitor`, `training_metric` and `accuracy` are in `metric_formats`.",
        "Give every metric of tables and logs a MetricFormat, those for train.monitor with monitor=True.",
        declared_metrics,
    ),
    Check(
        "labels", "Labels are int64 N or float32 N×K and have names of classes.",
        "Return one of the two forms from check_labels(), always the same for the same labels.", labels,
    ),
    Check(
        "invalid_labels", "A label that is not a number is an error that names its image.",
        "Raise UserError with the name of the first image whose label is invalid.", invalid_labels,
    ),
    Check(
        "held_out", "Every image is in one split, whatever the order of the images.",
        "Decide by hashes of names, as `stratified` and `iteratively_stratified` do.", held_out,
    ),
    Check(
        "training", "Targets are float32 B×K in [0, 1]; perfect predictions have the highest score.",
        "See the shapes in the documentation of Task.", training,
    ),
    Check(
        "metrics", "Metrics are plain numbers; perfect predictions are not worse than random ones.",
        "Return JSON types, None where a metric is undefined, and per_class with support.", metrics,
    ),
    Check(
        "decisions", "What is predicted agrees with the metrics.",
        "Let decide(), predicted() and correct() use the same rule and the same thresholds.", decisions,
    ),
)  # fmt: skip
