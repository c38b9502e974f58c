"""A stem for small images: the first convolution and the pooling after it no longer shrink the image."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers import BlurPool2d  # type: ignore[attr-defined]
from torch import Tensor, nn

from framework import UserError

_POOLING = (nn.MaxPool2d, nn.AvgPool2d, BlurPool2d)
_STEM_CONVOLUTIONS = 3
"""A deep stem has three convolutions before its pooling; what shrinks the image later belongs to a stage."""


def open_stem(model: nn.Module, images: Tensor, label: str, *, unstrided: bool = True) -> None:
    """Change `model` in place so that its stem keeps the height and width of the images.

    The convolutions that see the image (more than one where branches are added up) get stride 1 where `unstrided` is
    true, and the pooling layer that shrinks the feature map within the next three convolutions, if there is one,
    becomes the identity. Shapes of weights stay. Raises `UserError` where the first convolution has no stride, or no
    overlap (patches).
    """
    layers = _layers_in_order(model, images)
    convolutions = [(layer, sees_image) for layer, sees_image, _ in layers if isinstance(layer, nn.Conv2d)]
    # Where the image is padded first, no convolution sees the image itself.
    first = [layer for layer, sees_image in convolutions if sees_image] or [layer for layer, _ in convolutions[:1]]
    strides = [max(layer.stride) for layer in first]
    if not first or max(strides) == 1:
        raise UserError(f"small_images is not for {label}: its first layer does not shrink the image")
    if all(max(layer.kernel_size) <= stride for layer, stride in zip(first, strides, strict=True)):
        raise UserError(f"small_images is not for {label}: its first layer divides the image into patches")
    for layer in first if unstrided else []:
        layer.stride = (1, 1)
    _remove_pooling(model, layers)


def _remove_pooling(model: nn.Module, layers: list[tuple[nn.Module, bool, bool]]) -> None:
    names = {module: name for name, module in model.named_modules()}
    convolutions = 0
    for layer, sees_image, shrinks in layers:
        if isinstance(layer, nn.Conv2d):
            convolutions += not sees_image
            if convolutions > _STEM_CONVOLUTIONS:
                return
        elif shrinks and isinstance(layer, _POOLING):
            model.set_submodule(names[layer], nn.Identity())
            return


def _layers_in_order(model: nn.Module, images: Tensor) -> list[tuple[nn.Module, bool, bool]]:
    """The layers in the order of use, each with whether it sees the image itself and whether it shrinks its input."""
    layers: list[tuple[nn.Module, bool, bool]] = []

    def note(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if inputs and _is_map(inputs[0]) and _is_map(output):
            # By a pixel or two for want of padding does not count.
            shrinks = output.shape[-1] < 0.75 * inputs[0].shape[-1]
            layers.append((layer, inputs[0] is images, shrinks))

    leaves = [module for module in model.modules() if not any(True for _ in module.children())]
    handles = [leaf.register_forward_hook(note) for leaf in leaves]
    try:
        with torch.no_grad():
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return layers


def _is_map(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim == 4
