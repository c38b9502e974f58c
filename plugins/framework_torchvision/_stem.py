"""Adapts the input convolution to the number of channels and to small images, with random or pretrained weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from framework_torchvision._families import Family, Initialisation

SMALL = (3, 3)
"""Kernel of the first convolution for small images."""


def input_convolution(model: nn.Module) -> str:
    """The name of the input convolution: torchvision defines it first in every architecture."""
    names: Iterator[str] = (name for name, module in model.named_modules() if isinstance(module, nn.Conv2d))
    return next(names)


def change_stem(model: nn.Module, family: Family, channels: int, small_images: bool | Literal["half"]) -> None:
    """Adapt `model` in place to `channels` channels and, if requested, to small images; the new layer is initialised.

    With "half", the first convolution becomes 3×3 with unchanged stride, and the pooling is removed.
    """
    name = input_convolution(model)
    old = model.get_submodule(name)
    assert isinstance(old, nn.Conv2d)
    if small_images and family.pool:
        model.set_submodule(family.pool, nn.Identity())
    if channels == old.in_channels and not small_images:
        return
    kernel, padding = (SMALL, (1, 1)) if small_images else (old.kernel_size, old.padding)
    stride = (1, 1) if small_images is True else old.stride
    new = nn.Conv2d(
        channels,
        old.out_channels,
        kernel,  # type: ignore[arg-type]
        stride,  # type: ignore[arg-type]
        padding,  # type: ignore[arg-type]
        bias=old.bias is not None,
    )
    initialise(new, family.initialisation)
    model.set_submodule(name, new)


def initialise(layer: nn.Conv2d, how: Initialisation) -> None:
    """Initialise the weights as the constructor of the architecture does."""
    weight = layer.weight
    match how:
        case "torch":
            return
        case "kaiming fan-out":
            nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
        case "kaiming fan-in":
            nn.init.kaiming_normal_(weight)
        case "kaiming uniform":
            nn.init.kaiming_uniform_(weight)
        case "lecun":
            nn.init.trunc_normal_(weight, std=math.sqrt(1 / weight[0].numel()))
        case "normal 0.02":
            nn.init.normal_(weight, std=0.02)
        case _:
            nn.init.trunc_normal_(weight, std=float(how))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def adapt_kernels(weight: Tensor, channels: int, small_images: bool | Literal["half"]) -> Tensor:
    """Pretrained kernels O×I×h×w for another number of channels: summed for one, else repeated and rescaled.

    The output for a grayscale image is the same as for an RGB image of equal channels. For small images, larger kernels
    are resampled to 3×3 with the same sum, which approximates the output for an enlarged image.
    """
    held = weight.shape[1]
    if channels == 1:
        weight = weight.sum(1, keepdim=True)
    elif channels != held:
        weight = weight.repeat(1, math.ceil(channels / held), 1, 1)[:, :channels] * (held / channels)
    if small_images and weight.shape[-2:] != torch.Size(SMALL):
        before = weight.shape[-2:].numel()
        weight = F.interpolate(weight, SMALL, mode="bilinear", antialias=True) * (before / math.prod(SMALL))
    return weight
