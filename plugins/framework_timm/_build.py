"""From the component `timm` to the network: arguments, image size, weights, and a trial."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import timm
import torch
from torch import nn

from framework import UserError
from framework_timm._stem import open_stem
from framework_timm._weights import load_file, load_package, load_published

if TYPE_CHECKING:
    from framework_timm.models import TimmModel

FAULTS = (RuntimeError, ValueError, AssertionError, IndexError, TypeError, AttributeError, ZeroDivisionError, KeyError)
"""What architectures raise where they cannot take an image size, or to be told of it."""


def build_model(component: TimmModel, num_classes: int, channels: int, image_size: tuple[int, int]) -> nn.Module:
    """The network, before weights are fetched run on images of that size, of which the architecture may complain.

    Raises `UserError` where it cannot be had with these options or weights.
    """
    order = Order(component, num_classes, channels)
    model = order.fill(image_size)

    def create(weights: dict[str, Any]) -> nn.Module:
        return order.fill(image_size, weights)

    if component.pretrained is False or next(model.parameters()).is_meta:
        return model
    if component.pretrained is True:
        return load_published(order.label, model, create)
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
