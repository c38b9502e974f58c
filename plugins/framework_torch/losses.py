"""Losses over class probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from framework import Loss, UserError, build, did_you_mean, nfc

if TYPE_CHECKING:
    import torch
    from torch import nn

    from framework import Task

Weights = Literal["none", "balanced"] | dict[str, float]


class WeightedLoss(Loss):
    """Losses with class weights."""

    class_weights: Weights = "none"
    """`balanced`: inversely proportional to the number of training images of a class. Or a mapping from class name to
    weight; the default weight is 1. Weights are scaled so that their mean over the training images is 1. With several
    labels per image they multiply the loss of each class, else that of the image."""

    def weights(self, class_counts: Mapping[str, float]) -> list[float] | None:
        """One weight per class, in label order, or None."""
        if self.class_weights == "none":
            return None
        if self.class_weights == "balanced":
            total, present = sum(class_counts.values()), sum(1 for number in class_counts.values() if number)
            return [total / (present * number) if number else 0.0 for number in class_counts.values()]
        given = {nfc(name): weight for name, weight in self.class_weights.items()}
        for name, weight in given.items():
            if name not in class_counts:
                raise UserError(
                    f"loss.class_weights names the class '{name}', which the dataset does not have"
                    f"{did_you_mean(name, class_counts)} (classes: {', '.join(class_counts)})"
                )
            if weight < 0:
                raise UserError(f"loss.class_weights: the weight of '{name}' is {weight}; it must be at least 0")
        weights = [given.get(name, 1.0) for name in class_counts]
        weighted = sum(weight * number for weight, number in zip(weights, class_counts.values(), strict=True))
        if not weighted:
            raise UserError("loss.class_weights: the weights of all classes that have training images are 0")
        return [weight * sum(class_counts.values()) / weighted for weight in weights]


class CrossEntropy(WeightedLoss):
    """Cross entropy of the softmax, with optional label smoothing (Szegedy et al., 2016)."""

    name = "cross_entropy"
    aliases = (
        "CategoricalCrossentropy",
        "SparseCategoricalCrossentropy",
        "NLLLoss",
        "SoftTargetCrossEntropy",
        "LabelSmoothing",
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Fraction of each target that is distributed uniformly over all classes."""

    def build(self, class_counts: Mapping[str, float]) -> nn.Module:
        """A module `(logits B×K, targets B×K) -> scalar`."""
        from framework_torch._losses import SoftCrossEntropy

        return SoftCrossEntropy(self.weights(class_counts), self.label_smoothing)


class Focal(WeightedLoss):
    """Focal loss: cross entropy with less weight on easy images (Lin et al., 2017)."""

    name = "focal"
    aliases = ("SigmoidFocalLoss", "CategoricalFocalCrossentropy")
    gamma: float = Field(2.0, ge=0)
    """Focusing parameter γ; 0 is cross entropy."""

    def build(self, class_counts: Mapping[str, float]) -> nn.Module:
        """A module `(logits B×K, targets B×K) -> scalar`."""
        from framework_torch._losses import SoftFocal

        return SoftFocal(self.weights(class_counts), self.gamma)


class BinaryCrossEntropy(WeightedLoss):
    """Binary cross entropy, each class against the rest (Wightman et al., "ResNet strikes back", 2021)."""

    name = "bce"
    aliases = ("BCEWithLogitsLoss", "BinaryCrossentropy")
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Fraction of each target that is distributed uniformly over all classes."""

    def activation(self) -> Literal["sigmoid"]:
        """Sigmoid: each class against the rest."""
        return "sigmoid"

    def build(self, class_counts: Mapping[str, float], task: Task | None = None) -> nn.Module:
        """A module `(logits B×K, targets B×K) -> scalar`."""
        from framework_torch._losses import OneAgainstRest

        return OneAgainstRest(self.weights(class_counts), self.label_smoothing, task.weighted if task else None)


class Asymmetric(WeightedLoss):
    """Asymmetric loss: binary cross entropy with less weight on easy negatives (Ridnik et al., 2021), for many labels.

    Of most labels nearly all images are negatives; the loss focuses on those that are predicted, and ignores negatives
    with a probability below `clip`.
    """

    name = "asymmetric"
    aliases = ("AsymmetricLossMultiLabel", "ASL")
    gamma_negative: float = Field(4.0, ge=0)
    """Focusing parameter of the negatives, γ₋."""
    gamma_positive: float = Field(1.0, ge=0)
    """Focusing parameter of the positives, γ₊."""
    clip: float = Field(0.05, ge=0, lt=1)
    """Subtracted from the probabilities of negatives."""

    def activation(self) -> Literal["sigmoid"]:
        """Sigmoid: each class against the rest."""
        return "sigmoid"

    def build(self, class_counts: Mapping[str, float], task: Task | None = None) -> nn.Module:
        """A module `(logits B×K, targets B×K) -> scalar`."""
        from framework_torch import _losses as losses

        weighted = task.weighted if task else None
        return losses.Asymmetric(
            self.weights(class_counts), self.gamma_negative, self.gamma_positive, self.clip, weighted
        )


class Distill(Loss):
    """Knowledge distillation from trained networks (Hinton, Vinyals & Dean, 2015).

    Teachers get the student's batches, augmented and mixed ("consistent teaching": Beyer et al., 2022), converted to
    their own size, channels and normalisation. They must have the student's classes, in any order. They are not needed
    after training.
    """

    name = "distill"
    aliases = ("KLDivLoss", "KnowledgeDistillation")
    teachers: list[str] = Field(min_length=1, examples=[["fer2013/compact"]])
    """Runs or bundles, by path or name; probabilities of several are averaged."""
    temperature: float = Field(2.0, gt=0)
    """Divisor of the logits of teachers and student; higher values emphasise small probabilities."""
    weight: float = Field(0.5, gt=0, le=1)
    """Weight of the teachers; the loss on labels has the rest. 1: teachers only."""
    base: Loss | None = None
    """Loss on the labels; default `cross_entropy`. Its activation must be that of the teachers."""

    @field_validator("base")
    @classmethod
    def _of_labels(cls, base: Loss | None) -> Loss | None:
        if isinstance(base, cls):
            raise ValueError(
                "'base' is the loss on the labels and cannot be 'distill'; list all teachers in 'teachers'"
            )
        return base

    def activation(self) -> Literal["softmax", "sigmoid"]:
        """The activation of the base loss."""
        return (self.base or CrossEntropy()).activation()

    def build(
        self,
        class_counts: Mapping[str, float],
        preprocess: Any,
        device: torch.device,
        precision: torch.dtype,
        task: Task | None = None,
    ) -> nn.Module:
        """A module `(logits B×K, targets B×K, images) -> scalar`."""
        from framework_torch._distilling import Distillation, Teacher

        teachers = [Teacher.load(named, list(class_counts), device, precision, preprocess) for named in self.teachers]
        for teacher in teachers:
            teacher.require_activation(self.activation())
        offered = {
            "class_counts": class_counts,
            "task": task,
            "preprocess": preprocess,
            "device": device,
            "precision": precision,
        }
        base = build(self.base or CrossEntropy(), **offered)
        return Distillation(base, teachers, self.temperature, self.weight, self.activation())


LOSSES = (CrossEntropy, Focal, BinaryCrossEntropy, Asymmetric, Distill)
