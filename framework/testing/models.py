"""Checks of models."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from framework.attribution import ComponentFault, fault
from framework.components import Model, build
from framework.errors import UserError, enumerate_names
from framework.evaluation.evaluate import described, require_logits
from framework.testing.arguments import identical, model_arguments, random_images, seeded
from framework.testing.check import Check, CheckFailed, Subject, require
from framework.testing.export import export
from framework.training.state_file import load_state, save_state

SIDES = (32, 64, 128, 224)
"""Sides of the images that are tried; the first that the network accepts is used."""
TOLERANCE = 1e-3
"""Difference of logits that may come from another order of summation."""


def built_model(
    subject: Subject, channels: int = 3, side: int | None = None, classes: int | None = None, seed: int = 0
) -> nn.Module:
    """The network with the weights of this seed; raises `ComponentFault` if it is not a network."""
    names = subject.classes if classes is None else tuple(map(str, range(classes)))
    arguments = model_arguments(names, channels, side or side_of(subject))
    with seeded(seed):
        model: Any = build(subject.component, **arguments)
    if not isinstance(model, nn.Module) or next(model.parameters(), None) is None:
        raise fault(subject.component, f"returned {described(model)} from build(), which has no parameters to train")
    return model


def side_of(subject: Subject) -> int:
    """The smallest of `SIDES` at which the network works, for gray or RGB images; raises its fault if none does."""
    if (known := subject.__dict__.get("side")) is not None:
        return int(known)
    failure: Exception | None = None
    for side in SIDES:
        for channels in (3, 1):
            try:
                _logits(built_model(subject, channels, side).eval(), random_images(2, channels, side))
            except Exception as error:
                failure = failure or error
            else:
                subject.__dict__["side"] = side
                return side
    assert failure is not None
    raise failure


def channels_of(subject: Subject) -> list[int]:
    """The numbers of channels that the network supports: it raises `UserError` for the others."""
    supported = []
    for channels in (3, 1):
        try:
            built_model(subject, channels)
            supported.append(channels)
        except ComponentFault:
            raise
        except UserError as error:
            refused = error
    if not supported:
        raise refused
    return supported


def shapes(subject: Subject) -> None:
    """Logits B×K for gray and RGB, odd batch sizes, a single image and a single class."""
    side, component = side_of(subject), cast("Model", subject.component)
    for channels in channels_of(subject):
        for classes in (len(subject.classes), 1):
            model = built_model(subject, channels, classes=classes)
            for training, numbers in ((True, (2, 3)), (False, (1, 2, 5))):
                model.train(training)
                for number in numbers:
                    logits = _logits(model, random_images(number, channels, side))
                    require_logits(component, logits, (number, classes), f"for {number} images, {channels} channels")
                    require(logits.is_floating_point(), f"logits are {logits.dtype}; they must be floating point")
                    require(bool(logits.isfinite().all()), f"logits of {number} images are not finite")


def determinism(subject: Subject) -> None:
    """The same seed of PyTorch's generator gives the same weights and the same logits."""
    images, arguments = _images(subject, 4), _arguments(subject)
    weights, logits = [], []
    for other in (1, 2):
        with seeded(0, other):
            model = build(subject.component, **arguments)
            weights.append(dict(model.state_dict()))
        with seeded(5, other):
            logits.append(_logits(model.train(), images))
    differing = [name for name in weights[0] if not identical(weights[0][name], weights[1][name])]
    require(not differing, f"built twice with one seed, these weights differ: {enumerate_names(differing, 5)}")
    require(identical(*logits), "in training, the same seed gives other logits")
    model.eval()
    require(identical(_logits(model, images), _logits(model, images)), "in evaluation, one image has varying logits")


def batch_independence(subject: Subject) -> None:
    """In evaluation, the logits of an image do not depend on the rest of the batch."""
    images = _images(subject, 5)
    model = built_model(subject, _channels(subject)).train()
    _logits(model, images)  # batch norm has statistics
    model.eval()
    whole = _logits(model, images)
    for how, rows in (("alone", [2]), ("in reversed order", [4, 3, 2, 1, 0]), ("in a smaller batch", [1, 2])):
        close = torch.allclose(_logits(model, images[rows]), whole[rows], rtol=TOLERANCE, atol=TOLERANCE)
        require(close, f"in evaluation, an image has other logits {how}")


def gradients(subject: Subject) -> None:
    """Finite gradients for all trainable parameters."""
    model = built_model(subject, _channels(subject)).train()
    images = _images(subject, 4)
    with seeded(1):
        loss = F.cross_entropy(model(images), torch.arange(4) % len(subject.classes))
    require(loss.requires_grad, "the logits have no gradient")
    loss.backward()
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    without = [name for name, parameter in trained.items() if parameter.grad is None]
    require(not without, f"no gradient reaches {enumerate_names(without, 5)}")
    invalid = [name for name, parameter in trained.items() if not bool(_gradient(parameter).isfinite().all())]
    require(not invalid, f"the gradient is not finite for {enumerate_names(invalid, 5)}")


def resume(subject: Subject) -> None:
    """State saved during training and loaded into a new network gives the same logits."""
    images = _images(subject, 4)
    model = built_model(subject, _channels(subject)).train()
    for step in range(2):
        with seeded(step):
            _logits(model, images + step)
    with tempfile.TemporaryDirectory() as folder:
        save_state(Path(folder) / "state.safetensors", dict(model.state_dict()))
        state = load_state(Path(folder) / "state.safetensors")
    arguments = _arguments(subject) | {"sample": None}
    with seeded(7):
        loaded: nn.Module = build(cast("Model", subject.component).without_pretrained(), **arguments)
    try:
        loaded.load_state_dict(state)
    except RuntimeError as error:
        raise CheckFailed(f"the saved state does not fit a new network: {' '.join(str(error).split())[:300]}") from None
    for name, one, other in (("evaluation", model.eval(), loaded.eval()), ("training", model.train(), loaded.train())):
        with seeded(3):
            expected = _logits(one, images)
        with seeded(3):
            same = identical(expected, _logits(other, images))
        require(same, f"after loading the saved state, logits differ in {name}: some state is not in state_dict()")


def exported(subject: Subject) -> None:
    """The network can be traced, and the exported graph gives the same logits."""
    export(built_model(subject, _channels(subject)).eval(), _images(subject, 3), _images(subject, 5))


def _arguments(subject: Subject) -> dict[str, Any]:
    return model_arguments(subject.classes, _channels(subject), side_of(subject))


def _channels(subject: Subject) -> int:
    return channels_of(subject)[0]


def _images(subject: Subject, number: int) -> Tensor:
    return random_images(number, _channels(subject), side_of(subject))


def _logits(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        logits: Tensor = model(images)
    return logits


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


CHECKS = (
    Check(
        "shapes", "Finite logits B×K for gray and RGB images, any batch size, one image and one class.",
        "Use `num_classes` and `channels` in build(); raise UserError if the network takes gray or RGB images only.",
        shapes,
    ),
    Check(
        "determinism", "The same seed gives the same initial weights and the same logits.",
        "Draw random numbers from PyTorch's global generator only, which the framework seeds; none in evaluation.",
        determinism,
    ),
    Check(
        "batch_independence", "In evaluation, the logits of an image do not depend on the rest of its batch.",
        "Use statistics of the batch only if `self.training`.", batch_independence,
    ),
    Check(
        "gradients", "All trainable parameters get a finite gradient.",
        "Use every parameter in forward(), or set requires_grad to False for parameters that are not trained.",
        gradients,
    ),
    Check(
        "resume", "state_dict() holds the whole state: a new network that loads it gives the same logits.",
        "Hold state in parameters and buffers, and give layers the same names with and without a sample.", resume,
    ),
    Check(
        "export", "The network can be exported to ONNX for any batch size, and the export gives the same logits.",
        "Do not branch on values or batch sizes in forward().", exported,
    ),
)  # fmt: skip
