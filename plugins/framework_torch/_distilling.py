"""Knowledge distillation: trained networks predict the images that a student is trained on."""

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
    """For each of the student's classes, its column in the teacher's logits; int64 K."""
    precision: torch.dtype
    same_input: bool
    """Whether its preprocessing equals the student's."""
    own: Normalization
    student: Normalization

    @classmethod
    def load(
        cls, named: str, classes: Sequence[str], device: torch.device, precision: torch.dtype, student_preprocess: Any
    ) -> Teacher:
        """Load a run or bundle by path or name. Raises `UserError` if there is none or its classes differ.

        An export is refused: preprocessing is part of its graph.
        """
        try:
            predictor = Predictor.open(named, device=str(device))
            predictor.trained.require_weights()
        except UserError as error:
            raise UserError(f"loss.teachers: {error}") from None
        if set(predictor.classes) != set(classes):
            raise UserError(
                f"loss.teachers: '{named}' has other classes than the dataset: {', '.join(predictor.classes)}; "
                f"the dataset has {', '.join(classes)}"
            )
        columns = torch.tensor([predictor.classes.index(name) for name in classes], device=device)
        _network(predictor).requires_grad_(False)
        own, student = (preprocess.normalization(device) for preprocess in (predictor.preprocess, student_preprocess))
        return cls(predictor, columns, precision, predictor.preprocess == student_preprocess, own, student)

    def require_activation(self, students: Activation) -> None:
        """Raise `UserError` if the student is trained with another activation: the probabilities are not comparable."""
        own = self.predictor.trained.activation
        if own != students:
            raise UserError(
                f"loss.teachers: '{self.predictor.trained.label}' was trained with {own}, and this loss trains with "
                f"{students}; choose another teacher, or another loss by the labels (loss.base: bce for sigmoid, "
                "cross_entropy or focal for softmax)"
            )

    def logits(self, images: Tensor) -> Tensor:
        """Float32 B×K for the student's input: images normalised by the student's preprocessing."""
        if not self.same_input or images.shape[2:] != self._size:
            images = self.own(self._converted(images))
        mixed = self.precision != torch.float32
        with torch.autocast(images.device.type, self.precision) if mixed else nullcontext():
            logits: Tensor = _network(self.predictor)(images)
        return logits.float().index_select(1, self.columns)

    @property
    def _size(self) -> tuple[int, int]:
        return self.predictor.preprocess.height, self.predictor.preprocess.width

    def _converted(self, images: Tensor) -> Tensor:
        """The student's images in [0, 1], with the teacher's channels and size."""
        images = images * self.student.std + self.student.mean
        if self.predictor.preprocess.channels < images.shape[1]:
            images = rgb_to_gray(images)
        elif self.predictor.preprocess.channels > images.shape[1]:
            images = images.expand(-1, 3, -1, -1)
        if images.shape[2:] != self._size:
            images = F.interpolate(images, self._size, mode="bilinear", antialias=True)
        return images


class Distillation(nn.Module):
    """(1 - w) · base + w · T² · KL(teachers || student), with logits of both divided by the temperature T.

    With sigmoids, KL is summed over the classes, each one against the rest.
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
        """The scalar loss; `images` are the student's input."""
        with torch.no_grad():
            softened = [teacher.logits(images) / self.temperature for teacher in self.teachers]
            target = torch.stack([_probabilities(one, self.activation) for one in softened]).mean(0)
        divergence = _divergence(target, logits / self.temperature, self.activation) * self.temperature**2
        if self.weight == 1:
            return divergence
        inputs = {"images": images} if names_argument(self.base, "images") else {}
        return (1 - self.weight) * self.base(logits, targets, **inputs) + self.weight * divergence


def _probabilities(logits: Tensor, activation: Activation) -> Tensor:
    return logits.sigmoid() if activation == "sigmoid" else logits.softmax(dim=1)


def _divergence(target: Tensor, logits: Tensor, activation: Activation) -> Tensor:
    """KL(target || student), the mean over the batch, of probabilities and logits B×K."""
    if activation == "softmax":
        return F.kl_div(F.log_softmax(logits, dim=1), target, reduction="batchmean")
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    return (cross_entropy - F.binary_cross_entropy(target, target, reduction="sum")) / len(logits)


def _network(predictor: Predictor) -> nn.Module:
    engine: Any = predictor.engine
    network: nn.Module = engine.model
    return network
