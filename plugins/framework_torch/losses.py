"""Losses over class probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from framework import Loss, UserError, build, did_you_mean, nfc

if TYPE_CHECKING:
    import torch
    from torch import nn

Weights = Literal["none", "balanced"] | dict[str, float]


class WeightedLoss(Loss):
    """What all of them share: class weights."""

    class_weights: Weights = "none"
    """`balanced`: inversely to the number of training images of a class, with a mean of 1 over the images. Or a weight
    by class name; classes that are not named weigh 1."""

    def weights(self, class_counts: Mapping[str, int]) -> list[float] | None:
        """One weight for each class, in the order of the labels, or None."""
        if self.class_weights == "none":
            return None
        if self.class_weights == "balanced":
            total, present = sum(class_counts.values()), sum(number > 0 for number in class_counts.values())
            return [total / (present * number) if number else 0.0 for number in class_counts.values()]
        given = {nfc(name): weight for name, weight in self.class_weights.items()}
        for name, weight in given.items():
            if name not in class_counts:
                raise UserError(
                    f"loss.class_weights names the class '{name}', which the data does not have"
                    f"{did_you_mean(name, class_counts)} (classes: {', '.join(class_counts)})"
                )
            if weight < 0:
                raise UserError(f"loss.class_weights: the weight of '{name}' is {weight}; it must be at least 0")
        return [given.get(name, 1.0) for name in class_counts]


class CrossEntropy(WeightedLoss):
    """Cross entropy of the softmax, with optional label smoothing (Szegedy et al., 2016)."""

    name = "cross_entropy"
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of each target that is spread evenly over all classes."""

    def build(self, class_counts: Mapping[str, int]) -> nn.Module:
        """A module `(logits B×K, targets B×K) -> scalar`."""
        from framework_torch._losses import SoftCrossEntropy

        return SoftCrossEntropy(self.weights(class_counts), self.label_smoothing)


class Focal(WeightedLoss):
    """Cross entropy that counts easy images less (Lin et al., 2017)."""

    name = "focal"
    gamma: float = Field(2.0, ge=0)
    """How much less; 0 is cross entropy."""

    def build(self, class_counts: Mapping[str, int]) -> nn.Module:
        """A module `(logits B×K, targets B×K) -> scalar`."""
        from framework_torch._losses import SoftFocal

        return SoftFocal(self.weights(class_counts), self.gamma)


class BinaryCrossEntropy(WeightedLoss):
    """A sigmoid for each class against the rest (Wightman et al., "ResNet strikes back", 2021)."""

    name = "bce"
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of each target that is spread evenly over all classes."""

    def build(self, class_counts: Mapping[str, int]) -> nn.Module:
        """A module `(logits B×K, targets B×K) -> scalar`."""
        from framework_torch._losses import OneAgainstRest

        return OneAgainstRest(self.weights(class_counts), self.label_smoothing)


class Distill(Loss):
    """What trained networks say of the very same images, beside the labels (Hinton, Vinyals & Dean, 2015).

    The teachers see each batch as the student does, augmented, mixed and all ("consistent teaching": Beyer et al.,
    2022), brought to their own size, channels and normalisation. They must know the student's classes, in any order.
    A finished student does without them.
    """

    name = "distill"
    teachers: list[str] = Field(min_length=1)
    """Run folders or bundles, by path or name; the probabilities of several are averaged."""
    temperature: float = Field(2.0, gt=0)
    """Logits of teachers and student are divided by it, so that small probabilities are learned from, too."""
    weight: float = Field(0.5, gt=0, le=1)
    """Of the teachers; the rest is the labels'. 1: the teachers alone."""
    base: Loss | None = None
    """The loss by the labels; left out: `cross_entropy`."""

    @field_validator("base")
    @classmethod
    def _of_labels(cls, base: Loss | None) -> Loss | None:
        if isinstance(base, cls):
            raise ValueError(
                "'base' is the loss by the labels, and cannot be 'distill' itself; name all 'teachers' here"
            )
        return base

    def build(
        self, class_counts: Mapping[str, int], preprocess: Any, device: torch.device, precision: torch.dtype
    ) -> nn.Module:
        """A module `(logits B×K, targets B×K, images) -> scalar`."""
        from framework_torch._distilling import Distillation, Teacher

        teachers = [Teacher.load(named, list(class_counts), device, precision) for named in self.teachers]
        offered = {"class_counts": class_counts, "preprocess": preprocess, "device": device, "precision": precision}
        base = build(self.base or CrossEntropy(), **offered)
        return Distillation(base, teachers, preprocess, self.temperature, self.weight)


LOSSES = (CrossEntropy, Focal, BinaryCrossEntropy, Distill)
