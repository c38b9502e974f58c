"""Checks of methods: short trainings of a small network by the framework's own steps."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import ConstantLR

from framework.components import Dataset, Loss, Method, Model, Optimizer, Scheduler
from framework.data.preprocess import Preprocessor
from framework.data.sources import ImageArrays
from framework.data.stores.build import build_store
from framework.errors import UserError, enumerate_names
from framework.recipe.sections import Recipe
from framework.registry import default_task
from framework.testing.arguments import identical, seeded
from framework.testing.check import Check, CheckFailed, Subject, require
from framework.training.running_means import RunningMeans
from framework.training.session import Session, build_session
from framework.training.state_file import load_state, save_state
from framework.training.step import train_step

SIDE = 8
STEPS = 40


class _Data(Dataset):
    name = "images"

    def build(self) -> dict[str, ImageArrays]:
        return {}


class _Network(Model):
    """A network with normalisation and dropout."""

    name = "network"

    def build(self, num_classes: int, channels: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(channels, 4, 3, stride=2, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Flatten(),
            nn.Linear(36, num_classes),
        )


class _CrossEntropy(Loss):
    name = "cross_entropy"

    def build(self) -> Any:
        return F.cross_entropy


class _SGD(Optimizer):
    name = "sgd"
    lr: float

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(model.parameters(), self.lr, momentum=0.5)


class _Constant(Scheduler):
    name = "constant"

    def build(self, optimizer: torch.optim.Optimizer) -> Any:
        return ConstantLR(optimizer, 1.0)


def updates(subject: Subject) -> None:
    """All parameters change, and the loss falls."""
    session = _session(subject)
    before = _weights(session)
    losses = _losses(_train(session, 0, STEPS))
    after = _weights(session)
    require(all(bool(value.isfinite().all()) for value in after.values()), "parameters are not finite after its steps")
    same = [name for name in before if torch.equal(before[name], after[name])]
    require(not same, f"after {STEPS} steps these parameters have not changed: {enumerate_names(same)}")
    first, last = (sum(part) / len(part) for part in (losses[:8], losses[-8:]))
    require(last < first, f"in {STEPS} steps on images that are easy to classify, the loss goes from {first} to {last}")


def weights(subject: Subject) -> None:
    """The method itself does not change weights."""
    session = _session(subject, lr=0.0)
    before = _weights(session)
    _train(session, 0, 3)
    after = _weights(session)
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    require(not changed, f"with a learning rate of 0, its steps change {enumerate_names(changed)}")


def batches(subject: Subject) -> None:
    """Steps of several micro-batches, of single images, of one class, in grayscale and in bfloat16."""
    for options in (
        {"grad_accum_steps": 3, "batch_size": 2},
        {"batch_size": 1},
        {"batch_size": 1, "grad_accum_steps": 2, "precision": "bfloat16"},
    ):
        for classes, channels in ((len(subject.classes), 3), (1, 1)):
            session = _session(subject, classes, channels, **options)
            losses = _losses(_train(session, 0, 3))
            given = ", ".join(f"train.{name}={value}" for name, value in options.items())
            finite = all(np.isfinite(losses)) and all(weight.isfinite().all() for weight in _weights(session).values())
            require(finite, f"losses or weights are not finite with {given} and {classes} classes")


def determinism(subject: Subject) -> None:
    """The same seed gives the same weights."""
    runs = []
    for other in (1, 2):
        with seeded(0, other):
            session = _session(subject)
            _train(session, 0, 4, other)
        runs.append(_weights(session))
    require(identical(*runs), "built twice, it gives other weights after 4 steps")


def resume(subject: Subject) -> None:
    """State saved during training and loaded into a new session gives the same next steps."""
    whole, resumed = _session(subject), _session(subject, seed=9)
    _train(whole, 0, 4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.safetensors"
        try:
            save_state(path, whole.state_dict())
            resumed.load_state_dict(load_state(path))
        except (UserError, RuntimeError) as error:
            raise CheckFailed(f"its state cannot be saved and loaded: {' '.join(str(error).split())[:300]}") from None
    means = [_train(session, 4, 8) for session in (whole, resumed)]
    require(identical(*map(_losses, means)), "after loading the saved state, the next losses differ")
    require(identical(_weights(whole), _weights(resumed)), "after loading the saved state, the next weights differ")


def _session(
    subject: Subject, classes: int | None = None, channels: int = 3, lr: float = 0.1, seed: int = 0, **train: Any
) -> Session:
    """A session with the method; `train` has options of that section. `seed` is that of the initial weights."""
    names = subject.classes if classes is None else tuple(map(str, range(classes)))
    options = {"batch_size": 6, "epochs": 20, "device": "cpu", "precision": "float32", **train}
    method = cast("Method", subject.component)
    recipe = Recipe.model_validate({
        "dataset": _Data(), "task": default_task(), "model": _Network(), "loss": _CrossEntropy(), "method": method,
        "optimizer": _SGD(lr=lr), "scheduler": _Constant(), "train": options,
    })  # fmt: skip
    preprocess = Preprocessor(SIDE, SIDE, 1 if channels == 1 else 3, "crop", (0.5,) * channels, (0.25,) * channels)
    labels = [index % len(names) for index in range(24)]
    pixels = np.random.default_rng(0).integers(0, 60, (24, channels, SIDE, SIDE), dtype=np.uint8)
    pixels += np.array([180 * label // len(names) for label in labels], np.uint8)[:, None, None, None]
    session = build_session(recipe, {"train": build_store(ImageArrays(pixels, labels, names), preprocess)}, preprocess)
    if seed:
        for parameter in session.model.parameters():
            nn.init.normal_(parameter, 0.0, 0.1, torch.Generator().manual_seed(seed))
    return session


def _train(session: Session, first: int, last: int, other: int = 0) -> list[RunningMeans]:
    """The means of each optimizer step from `first` to `last` - 1; NumPy and Python are seeded by `other`."""
    every = []
    for step in range(first, last):
        every.append(RunningMeans())
        with seeded(step, step + other):
            train_step(session, step, every[-1])
    return every


def _losses(every: list[RunningMeans]) -> list[float]:
    return [means.take_epoch().loss for means in every]


def _weights(session: Session) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in session.model.named_parameters()}


CHECKS = (
    Check(
        "updates", "All parameters of the network change, and the loss on images that are easy to classify falls.",
        "Call step.backward(loss, batch) for each micro-batch, with a loss that is to be minimised.", updates,
    ),
    Check(
        "weights", "Only the optimizer changes weights.",
        "Restore weights that are changed for a forward pass, and add a penalty to the loss instead.", weights,
    ),
    Check(
        "batches", "It works with several micro-batches, single images, one class, grayscale and bfloat16.",
        "Iterate over all of step.batches, and use no statistics of a batch that are undefined for one image.", batches,
    ),
    Check(
        "determinism", "The same seed gives the same weights.",
        "Draw random numbers from PyTorch's global generator only, which is seeded for each step.", determinism,
    ),
    Check(
        "resume", "state_dict() holds the whole state: a resumed training has the same next losses and weights.",
        "Make the method a module with its state in buffers, or compute it from step.index.", resume,
    ),
)  # fmt: skip
