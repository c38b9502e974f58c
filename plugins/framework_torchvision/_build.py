"""From a component to the network: arguments, stem, image size, weights, and a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torchvision
from torch import nn

from framework import UserError, nearest_sizes
from framework_torchvision._stem import change_stem
from framework_torchvision._weights import UnversionedMNASNet, load_weights

if TYPE_CHECKING:
    from framework_torchvision.models import TorchvisionModel

FAULTS = (RuntimeError, ValueError, AssertionError, IndexError)
"""What architectures raise where they cannot take an image size."""
_ONE_OUTPUT = {"aux_logits": False, "init_weights": True}


def build_model(component: TorchvisionModel, num_classes: int, channels: int, image_size: tuple[int, int]) -> nn.Module:
    """The network, tried on images of that size. Raises `UserError` where it cannot be had."""

    def attempt(size: tuple[int, int]) -> nn.Module:
        return _build_and_try(component, num_classes, channels, size)

    try:
        model = attempt(image_size)
    except FAULTS as error:
        height, width = image_size
        label = f"model '{component.name}'" + (" with small_images" if component.small_images else "")
        message = f"{label} cannot take {channels}×{height}×{width} images (channels×height×width): {error}"
        sides = [f"{side}×{side}" for side in nearest_sizes(image_size, attempt, FAULTS)]
        takes = f"of the usual sizes it takes {' and '.join(sides)}" if sides else "it takes no usual size so"
        raise UserError(f"{message}\n    preprocess.size: {takes}") from error
    if component.pretrained is not False:
        load_weights(model, component)
    return model


def _build_and_try(component: TorchvisionModel, num_classes: int, channels: int, size: tuple[int, int]) -> nn.Module:
    arguments = {"num_classes": num_classes, **_particulars(component.name, size), **component.options}
    if component.dropout is not None and component.family.dropout:
        arguments[component.family.dropout] = component.dropout
    try:
        model: nn.Module = torchvision.models.get_model(component.name, weights=None, **arguments)
    except TypeError as error:
        raise UserError(f"torchvision cannot make model '{component.name}' with these options: {error}") from error
    if isinstance(model, torchvision.models.MNASNet):
        model.__class__ = UnversionedMNASNet
    change_stem(model, component.family, channels, component.small_images)
    images = torch.zeros((2, channels, *size), device=next(model.parameters()).device)
    # Not inference_mode: tensors that a network keeps of it could not be trained with.
    with torch.no_grad():
        model.eval()(images)
    return model.train()


def _particulars(arch: str, size: tuple[int, int]) -> dict[str, Any]:
    """Arguments that some families need."""
    if arch in ("googlenet", "inception_v3"):
        return dict(_ONE_OUTPUT)
    if arch.startswith("maxvit"):
        return {"input_size": size}
    if arch.startswith("vit_"):
        if size[0] != size[1]:
            raise ValueError("it takes square images only")
        return {"image_size": size[0]}
    return {}
