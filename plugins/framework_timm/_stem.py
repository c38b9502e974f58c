"""A stem for small images: the first convolution and the pooling after it no longer shrink the image."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers import BlurPool2d  # type: ignore[attr-defined]
from torch import Tensor, nn

from framework import UserError

_POOLING = (nn.MaxPool2d, nn.AvgPool2d, BlurPool2d)
_STEM_CONVOLUTIONS = 3
"""A deep stem has three convolutions before its pooling; later downsampling belongs to a stage."""


def open_stem(model: nn.Module, images: Tensor, label: str, *, unstrided: bool = True) -> None:
    """Change `model` in place so that its stem keeps the height and width of the images.

    The convolutions whose input is the image (several if branches are summed) get stride 1 if `unstrided`, and the
    first downsampling pooling layer within the next three convolutions, if any, becomes the identity. Shapes of weights
    do not change. Raises `UserError` if the first convolution has stride 1, or does not overlap (patches).
    """
    layers = _layers_in_order(model, images)
    convolutions = [(layer, on_image) for layer, on_image, _ in layers if isinstance(layer, nn.Conv2d)]
    # If the image is padded first, no convolution has the image itself as input.
    first = [layer for layer, on_image in convolutions if on_image] or [layer for layer, _ in convolutions[:1]]
    strides = [max(layer.stride) for layer in first]
    if not first or max(strides) == 1:
        raise UserError(
            f"model.small_images is not available for {label}: its first layer does not downsample the image"
        )
    if all(max(layer.kernel_size) <= stride for layer, stride in zip(first, strides, strict=True)):
        raise UserError(
            f"model.small_images is not available for {label}: its first layer splits the image into patches"
        )
    for layer in first if unstrided else []:
        layer.stride = (1, 1)
    _remove_pooling(model, layers)


def _remove_pooling(model: nn.Module, layers: list[tuple[nn.Module, bool, bool]]) -> None:
    names = {module: name for name, module in model.named_modules()}
    convolutions = 0
    for layer, on_image, shrinks in layers:
        if isinstance(layer, nn.Conv2d):
            convolutions += not on_image
            if convolutions > _STEM_CONVOLUTIONS:
                return
        elif shrinks and isinstance(layer, _POOLING):
            model.set_submodule(names[layer], nn.Identity())
            return


def _layers_in_order(model: nn.Module, images: Tensor) -> list[tuple[nn.Module, bool, bool]]:
    """The layers in order of execution: (layer, its input is the image, it downsamples its input)."""
    layers: list[tuple[nn.Module, bool, bool]] = []

    def record(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if inputs and _is_map(inputs[0]) and _is_map(output):
            # Losing a pixel or two without padding does not count.
            shrinks = output.shape[-1] < 0.75 * inputs[0].shape[-1]
            layers.append((layer, inputs[0] is images, shrinks))

    leaves = [module for module in model.modules() if not any(True for _ in module.children())]
    handles = [leaf.register_forward_hook(record) for leaf in leaves]
    try:
        with torch.no_grad():
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return layers


def _is_map(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim == 4
