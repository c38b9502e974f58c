"""Builds a torchvision network: arguments, stem, image size, and pretrained weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
import torchvision
from torch import nn

from framework import UserError
from framework_torchvision._families import Family
from framework_torchvision._stem import change_stem
from framework_torchvision._weights import UnversionedMNASNet, load_weights


def build_model(
    arch: str,
    family: Family,
    channels: int,
    image_size: tuple[int, int],
    arguments: dict[str, Any],
    small_images: bool | Literal["half"],
    pretrained: bool | Path,
) -> nn.Module:
    """The network. Raises `UserError` if the options or the weights do not fit the architecture.

    `arguments` are passed to torchvision's function. An architecture that does not support the image size raises its
    own exception, here or in a trial forward pass before any download.
    """
    if family.auxiliary:
        arguments = {"init_weights": True, **arguments}
    try:
        model: nn.Module = torchvision.models.get_model(
            arch, weights=None, **{**_size_arguments(arch, image_size), **arguments}
        )
    except TypeError as error:
        raise UserError(f"model '{arch}' cannot be built with these options: {error}") from error
    if isinstance(model, torchvision.models.MNASNet):
        model.__class__ = UnversionedMNASNet
    change_stem(model, family, channels, small_images)
    parameter = next(model.parameters())
    if pretrained is not False and not parameter.is_meta:
        # Not inference_mode: tensors that a network caches there cannot be used in training.
        with torch.no_grad():
            model.eval()(torch.zeros((2, channels, *image_size), device=parameter.device))
        load_weights(model.train(), arch, pretrained, small_images)
    return model


def _size_arguments(arch: str, size: tuple[int, int]) -> dict[str, Any]:
    """Arguments that some architectures need."""
    if arch.startswith("maxvit"):
        return {"input_size": size}
    if arch.startswith("vit_"):
        if size[0] != size[1]:
            raise ValueError("it supports only square images")
        return {"image_size": size[0]}
    return {}
