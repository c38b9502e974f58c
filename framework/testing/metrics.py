"""Checks of metrics."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor

from framework.components import Metric, build, names_argument
from framework.evaluation.component_metrics import Measure, built_metric
from framework.evaluation.probabilities import probabilities
from framework.testing.arguments import seeded
from framework.testing.check import Check, Subject, require

IMAGES = 60
TOLERANCE = 1e-6
"""Relative difference that may come from another order of summation."""


def values(subject: Subject) -> None:
    """A finite number for ordinary predictions of two or more classes."""
    for classes in (subject.classes, subject.classes[:2]):
        value = _measure(subject, classes)(*_predictions(len(classes)))
        require(value is not None, f"it is undefined for {IMAGES} images of {len(classes)} classes")


def direction(subject: Subject) -> None:
    """Perfect predictions are at least as good as wrong ones, in the declared direction."""
    measure, number = _measure(subject), len(subject.classes)
    labels = torch.arange(IMAGES) % number
    good, bad = (measure(_confident((labels + shift) % number, number), labels) for shift in (0, 1))
    greater_is_better = cast("Metric", subject.component).greater_is_better
    if good is not None and bad is not None and number > 1:
        worse = good < bad if greater_is_better else good > bad
        require(
            not worse, f"with greater_is_better = {greater_is_better}, perfect predictions ({good:g}) are worse than "
            f"wrong ones ({bad:g})",
        )  # fmt: skip


def order(subject: Subject) -> None:
    """The order of the images has no effect."""
    measure = _measure(subject)
    logits, labels = _predictions(len(subject.classes))
    shuffled = torch.randperm(IMAGES, generator=torch.Generator().manual_seed(1))
    one, other = measure(logits, labels), measure(logits[shuffled], labels[shuffled])
    require(_equal(one, other), f"the same images in another order have the value {other}, not {one}")


def repeatability(subject: Subject) -> None:
    """The value depends on the predictions alone, not on earlier calls or random numbers."""
    logits, labels = _predictions(len(subject.classes))
    found = []
    for seed in (1, 2):
        with seeded(seed):
            measure = _measure(subject)
            found.append(measure(logits, labels))
            measure(logits[: IMAGES // 2], labels[: IMAGES // 2])
            found.append(measure(logits, labels))
    require(all(_equal(found[0], value) for value in found), f"the same predictions have the values {found}")


def inputs(subject: Subject) -> None:
    """Probabilities, labels and logits are not modified."""
    compute = build(subject.component, classes=subject.classes)
    logits, labels = _predictions(len(subject.classes))
    given = {"probabilities": probabilities(logits, "softmax"), "labels": labels}
    more = {"logits": logits} if names_argument(compute, "logits") else {}
    before = {name: tensor.clone() for name, tensor in (given | more).items()}
    compute(*given.values(), **more)
    changed = [name for name, tensor in (given | more).items() if not torch.equal(tensor, before[name])]
    require(not changed, f"it modifies {' and '.join(changed)}")


def few_images(subject: Subject) -> None:
    """A number or NaN for one image, and for images of which a class is missing."""
    measure, number = _measure(subject), len(subject.classes)
    logits, labels = _predictions(number)
    for chosen in (labels == labels[0], labels != number - 1, torch.arange(IMAGES) == 0):
        if chosen.any():
            measure(logits[chosen], labels[chosen])


def _measure(subject: Subject, classes: tuple[str, ...] = ()) -> Measure:
    return built_metric(cast("Metric", subject.component), classes or subject.classes, "softmax")


def _predictions(classes: int) -> tuple[Tensor, Tensor]:
    """Random logits float64 N×K, which favour the true class, and labels N."""
    labels = torch.arange(IMAGES) % classes
    noise = torch.randn(IMAGES, classes, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return noise + _confident(labels, classes) / 10, labels


def _confident(labels: Tensor, classes: int) -> Tensor:
    return 10 * torch.nn.functional.one_hot(labels, classes).double()


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


CHECKS = (
    Check(
        "values", "The metric is a finite number for ordinary predictions, with two classes and with more.",
        "Return one number; NaN only for images that leave it undefined.", values,
    ),
    Check(
        "direction", "Perfect predictions are not worse than wrong ones, according to greater_is_better.",
        "Set greater_is_better = False if lower values are better.", direction,
    ),
    Check(
        "order", "The order of the images has no effect.",
        "Do not use the position of an image.", order,
    ),
    Check(
        "repeatability", "The same predictions have the same value, whatever was computed before.",
        "Reset all state at the start of a call, and draw random numbers from a generator with a fixed seed.",
        repeatability,
    ),
    Check(
        "inputs", "Probabilities, labels and logits are not modified.",
        "Copy a tensor before changing it: it may be used for other metrics too.", inputs,
    ),
    Check(
        "few_images", "One image, or images of which a class is missing, have a number or NaN, and no exception.",
        "Return NaN where the metric is undefined; intervals resample images, so that a class may be missing.",
        few_images,
    ),
)  # fmt: skip
