"""From the component `timm` to the network: arguments, image size, weights, and a trial."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import timm
import torch
from torch import nn

from framework import UserError, nearest_sizes
from framework_timm._stem import open_stem
from framework_timm._weights import load_file, load_package, load_published

if TYPE_CHECKING:
    from framework_timm.models import TimmModel

FAULTS = (RuntimeError, ValueError, AssertionError, IndexError, TypeError, AttributeError, ZeroDivisionError, KeyError)
"""What architectures raise where they cannot take an image size."""


def build_model(component: TimmModel, num_classes: int, channels: int, image_size: tuple[int, int]) -> nn.Module:
    """The network, tried on images of that size. Raises `UserError` where it cannot be had."""
    order = Order(component, num_classes, channels)
    try:
        model = order.fill(image_size)
    except FAULTS as error:
        raise UserError(_size_message(order, image_size, error)) from error

    def create(weights: dict[str, Any]) -> nn.Module:
        return order.fill(image_size, weights)

    if component.pretrained is False:
        return model
    if component.pretrained is True:
        return load_published(order.label, create)
    if component.pretrained == "package":
        return load_package(order.label, component.arch, model, channels, num_classes, create)
    return load_file(component.pretrained, order.label, model, channels, num_classes, create)


@dataclass(frozen=True)
class Order:
    """What is asked of timm, but for the image size and the weights."""

    component: TimmModel
    num_classes: int
    channels: int

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"model 'timm/{self.component.arch}'"

    def fill(self, size: tuple[int, int], weights: dict[str, Any] | None = None) -> nn.Module:
        """The network for that image size, told the size where the architecture wants to know it.

        `weights` are the arguments of `timm.create_model` that say where they come from. Raises one of `FAULTS` where
        the architecture cannot take the size, and `UserError` where it does not take an option.
        """
        rates = {name: getattr(self.component, name) for name in ("drop_rate", "drop_path_rate")}
        given = {name: rate for name, rate in rates.items() if rate} | dict(self.component.options)
        arguments = {"num_classes": self.num_classes, "in_chans": self.channels, **given, **(weights or {})}
        if "img_size" in given:
            return self._create(arguments, size)
        try:
            return self._create({"img_size": size, **arguments}, size)
        except FAULTS as fault:
            try:
                return self._create(arguments, size)
            except FAULTS as error:
                # Without the argument, an architecture for one size complains of its default size.
                raise (error if _refused(fault) == "img_size" else fault) from None

    def _create(self, arguments: dict[str, Any], size: tuple[int, int]) -> nn.Module:
        try:
            model: nn.Module = timm.create_model(self.component.arch, **arguments)
        except TypeError as error:
            refused = _refused(error)
            if refused in arguments and refused != "img_size":
                raise UserError(f"{self.label} takes no '{refused}'") from error
            raise
        images = torch.zeros((2, self.channels, *size), device=next(model.parameters()).device)
        model.eval()
        if self.component.small_images:
            open_stem(model, images, self.label, unstrided=self.component.small_images is True)
        # Not inference_mode: tensors that a network keeps of it could not be trained with.
        with torch.no_grad():
            model(images)
        return model.train()


def _refused(error: Exception) -> str | None:
    match = re.search(r"unexpected keyword argument\W+(?:s\W+)?(\w+)", str(error))
    return match[1] if match else None


def _size_message(order: Order, size: tuple[int, int], error: Exception) -> str:
    label = order.label + (" with small_images" if order.component.small_images else "")
    reason = str(error) or "its layers do not fit"
    message = f"{label} cannot take {order.channels}×{size[0]}×{size[1]} images (channels×height×width): {reason}"
    sides = nearest_sizes(size, order.fill, FAULTS)
    default = timm.get_pretrained_cfg(order.component.arch)
    made_for = f"it is made for {default.input_size[1]}×{default.input_size[2]}" if default else ""
    if sides:
        listed = " and ".join(f"{side}×{side}" for side in sides)
        return f"{message}\n    preprocess.size: of the usual sizes it takes {listed}; {made_for}"
    return f"{message}\n    No usual image size was found that it takes with these options; {made_for}"
