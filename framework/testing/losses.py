"""Checks of losses."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from framework.components import Loss, build, names_argument
from framework.errors import enumerate_names
from framework.testing.arguments import SIDE, identical, loss_arguments, random_images, seeded
from framework.testing.check import Check, CheckFailed, Subject, require
from framework.training.calls import loss_of
from framework.training.criterion import Criterion
from framework.training.state_file import load_state, save_state


class _Built:
    """A loss, called as training does."""

    def __init__(self, subject: Subject, channels: int = 3, seed: int = 0) -> None:
        self.component, self.channels = cast("Loss", subject.component), channels
        with seeded(seed):
            self.loss: Any = build(self.component, **loss_arguments(subject.classes, channels))
        self.criterion = Criterion(self.loss, names_argument(self.loss, "images"))

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss; raises `ComponentFault` if it is not a scalar with a gradient."""
        images = random_images(len(logits), self.channels, SIDE)
        return loss_of(self.component, self.criterion, logits, targets, images)


def shapes(subject: Subject) -> None:
    """A finite scalar for any batch, hard and soft targets, and batches of a single class."""
    number = len(subject.classes)
    for channels in (3, 1):
        built = _Built(subject, channels)
        for batch in (1, 2, 7):
            for how, targets in _targets(batch, number).items():
                loss = built(_logits(batch, number), targets)
                require(loss.is_floating_point(), f"the loss is {loss.dtype}; it must be floating point")
                require(bool(loss.isfinite()), f"{batch} images with {how} targets: the loss is {loss.item()}")


def determinism(subject: Subject) -> None:
    """The same seed gives the same losses."""
    number = len(subject.classes)
    runs = []
    for other in (1, 2):
        with seeded(0, other):
            built = _Built(subject)
            runs.append([built(_logits(5, number, step), _targets(5, number)["soft"]).detach() for step in range(3)])
    require(identical(*runs), "built twice, it gives other losses for the same logits and targets")


def gradients(subject: Subject) -> None:
    """The gradient is finite, also for large logits, and the loss has no parameters of its own."""
    built, number = _Built(subject), len(subject.classes)
    if isinstance(built.loss, nn.Module):
        trained = [name for name, parameter in built.loss.named_parameters() if parameter.requires_grad]
        require(not trained, f"it has trainable parameters, which no optimizer updates: {enumerate_names(trained)}")
    for scale in (1.0, 100.0):
        logits = (_logits(6, number).detach() * scale).requires_grad_()
        built(logits, _targets(6, number)["hard"]).backward()
        require(logits.grad is not None, "the loss does not depend on the logits")
        valid = logits.grad is not None and bool(logits.grad.isfinite().all())
        require(valid, f"the gradient of logits up to ±{logits.abs().max().item():.0f} is not finite")


def resume(subject: Subject) -> None:
    """State saved during training and loaded into a new loss gives the same next losses."""
    number = len(subject.classes)

    def steps(built: _Built, first: int) -> list[Tensor]:
        losses = []
        for step in range(first, first + 3):
            with seeded(step):
                losses.append(built(_logits(4, number, step), _targets(4, number)["hard"]).detach())
        return losses

    whole, resumed = _Built(subject), _Built(subject, seed=9)
    steps(whole, 0)
    with tempfile.TemporaryDirectory() as folder:
        save_state(Path(folder) / "state.safetensors", whole.criterion.state_dict())
        state = load_state(Path(folder) / "state.safetensors")
    try:
        resumed.criterion.load_state_dict(state)
    except RuntimeError as error:
        raise CheckFailed(f"the saved state does not fit a new loss: {' '.join(str(error).split())[:300]}") from None
    require(identical(steps(whole, 3), steps(resumed, 3)), "after loading the saved state, the next losses differ")


def _logits(batch: int, classes: int, seed: int = 0) -> Tensor:
    return torch.randn(batch, classes, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def _targets(batch: int, classes: int) -> dict[str, Tensor]:
    soft = torch.rand(batch, classes, generator=torch.Generator().manual_seed(1)) + 0.01
    return {
        "hard": F.one_hot(torch.arange(batch) % classes, classes).float(),
        "soft": soft / soft.sum(1, keepdim=True),
        "single-class": F.one_hot(torch.zeros(batch, dtype=torch.int64), classes).float(),
    }


CHECKS = (
    Check(
        "shapes", "The loss is a finite scalar for any batch size, hard and soft targets, and one class.",
        "Reduce to one number, take targets as class probabilities B×K, and do not divide by counts that may be 0.",
        shapes,
    ),
    Check(
        "determinism", "The same logits, targets and seed give the same loss.",
        "Draw random numbers from PyTorch's global generator only, which the framework seeds.", determinism,
    ),
    Check(
        "gradients", "The gradient is finite, also for large logits, and no parameter is left without an optimizer.",
        "Use log_softmax or logsigmoid instead of the logarithm of a probability, and buffers instead of parameters.",
        gradients,
    ),
    Check(
        "resume", "state_dict() holds the whole state: a resumed training has the same next losses.",
        "Make the loss a module, and hold its state in buffers.", resume,
    ),
)  # fmt: skip
