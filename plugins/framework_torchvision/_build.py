"""From a component to the network: arguments, stem, image size, and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torchvision
from torch import nn

from framework import UserError
from framework_torchvision._stem import change_stem
from framework_torchvision._weights import UnversionedMNASNet, load_weights

if TYPE_CHECKING:
    from framework_torchvision.models import TorchvisionModel

_ONE_OUTPUT = {"aux_logits": False, "init_weights": True}


def build_model(component: TorchvisionModel, num_classes: int, channels: int, image_size: tuple[int, int]) -> nn.Module:
    """The network. Raises `UserError` where it cannot be had with these options or weights.

    For images that it cannot take the architecture complains itself, here or when it runs; before weights are fetched
    it is run.
    """
    model = _fresh(component, num_classes, channels, image_size)
    parameter = next(model.parameters())
    if component.pretrained is not False and not parameter.is_meta:
        # Not inference_mode: tensors that a network keeps of it could not be trained with.
        with torch.no_grad():
            model.eval()(torch.zeros((2, channels, *image_size), device=parameter.device))
        load_weights(model.train(), component)
    return model


def _fresh(component: TorchvisionModel, num_classes: int, channels: int, size: tuple[int, int]) -> nn.Module:
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
    return model


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
