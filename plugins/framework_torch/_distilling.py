"""Trained networks as teachers: what they say of the images that a student is trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from framework import Predictor, UserError, names_argument, rgb_to_gray

if TYPE_CHECKING:
    from torch import Tensor

    from framework import Normalization

Activation = Literal["softmax", "sigmoid"]


@dataclass(frozen=True)
class Teacher:
    """One teacher. It preprocesses images as in its own training; its logits are in the student's class order."""

    predictor: Predictor
    columns: Tensor
    """Where the student's classes are among its logits, int64 K."""
    precision: torch.dtype
    same_input: bool
    """Whether it was trained on images that were preprocessed as the student's are."""
    own: Normalization
    student: Normalization

    @classmethod
    def load(
        cls, named: str, classes: Sequence[str], device: torch.device, precision: torch.dtype, seen_by_student: Any
    ) -> Teacher:
        """A run or bundle by path or name; raises `UserError` where there is none or it knows other classes.

        An export has its network inside a graph that takes other images than a student's.
        """
        try:
            predictor = Predictor.open(named, device=str(device))
            predictor.trained.require_weights()
        except UserError as error:
            raise UserError(f"loss.teachers: {error}") from None
        if set(predictor.classes) != set(classes):
            raise UserError(
                f"loss.teachers: '{named}' knows other classes than the data have: {', '.join(predictor.classes)}; "
                f"the data have {', '.join(classes)}"
            )
        columns = torch.tensor([predictor.classes.index(name) for name in classes], device=device)
        _network(predictor).requires_grad_(False)
        own, student = (preprocess.normalization(device) for preprocess in (predictor.preprocess, seen_by_student))
        return cls(predictor, columns, precision, predictor.preprocess == seen_by_student, own, student)

    def require_activation(self, students: Activation) -> None:
        """Raise `UserError` where the student is trained with another: their probabilities mean different things."""
        own = self.predictor.trained.activation
        if own != students:
            raise UserError(
                f"loss.teachers: '{self.predictor.trained.label}' was trained with {own}, and this loss trains with "
                f"{students}; choose another teacher, or another loss by the labels (loss.base: bce for sigmoid, "
                "cross_entropy or focal for softmax)"
            )

    def logits(self, images: Tensor) -> Tensor:
        """Float32 B×K of what the student got, normalised by the student's preprocessing."""
        if not self.same_input or images.shape[2:] != self._size:
            images = self.own(self._brought_over(images))
        mixed = self.precision != torch.float32
        with torch.autocast(images.device.type, self.precision) if mixed else nullcontext():
            logits: Tensor = _network(self.predictor)(images)
        return logits.float().index_select(1, self.columns)

    @property
    def _size(self) -> tuple[int, int]:
        return self.predictor.preprocess.height, self.predictor.preprocess.width

    def _brought_over(self, images: Tensor) -> Tensor:
        """The student's images in [0, 1], with this one's channels and size."""
        images = images * self.student.std + self.student.mean
        if self.predictor.preprocess.channels < images.shape[1]:
            images = rgb_to_gray(images)
        elif self.predictor.preprocess.channels > images.shape[1]:
            images = images.expand(-1, 3, -1, -1)
        if images.shape[2:] != self._size:
            images = F.interpolate(images, self._size, mode="bilinear", antialias=True)
        return images


class Distillation(nn.Module):
    """(1 - w) · base + w · T² · KL(teachers || student), both softened by T.

    With sigmoids KL is the sum over the classes, each against the rest.
    """

    def __init__(
        self,
        base: Callable[..., Tensor],
        teachers: Sequence[Teacher],
        temperature: float,
        weight: float,
        activation: Activation = "softmax",
    ) -> None:
        super().__init__()
        self.base = base
        self.teachers = tuple(teachers)
        self.temperature = temperature
        self.weight = weight
        self.activation = activation

    def forward(self, logits: Tensor, targets: Tensor, images: Tensor) -> Tensor:
        """The scalar loss; `images` are what the student got."""
        with torch.no_grad():
            softened = [teacher.logits(images) / self.temperature for teacher in self.teachers]
            taught = torch.stack([_probabilities(one, self.activation) for one in softened]).mean(0)
        apart = _divergence(taught, logits / self.temperature, self.activation) * self.temperature**2
        if self.weight == 1:
            return apart
        seen = {"images": images} if names_argument(self.base, "images") else {}
        return (1 - self.weight) * self.base(logits, targets, **seen) + self.weight * apart


def _probabilities(logits: Tensor, activation: Activation) -> Tensor:
    return logits.sigmoid() if activation == "sigmoid" else logits.softmax(dim=1)


def _divergence(taught: Tensor, logits: Tensor, activation: Activation) -> Tensor:
    """KL(taught || student), the mean over the batch, of probabilities and logits B×K."""
    if activation == "softmax":
        return F.kl_div(F.log_softmax(logits, dim=1), taught, reduction="batchmean")
    said = F.binary_cross_entropy_with_logits(logits, taught, reduction="sum")
    return (said - F.binary_cross_entropy(taught, taught, reduction="sum")) / len(logits)


def _network(predictor: Predictor) -> nn.Module:
    engine: Any = predictor.engine
    network: nn.Module = engine.model
    return network
