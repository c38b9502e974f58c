"""Builds a timm network: arguments, image size, a trial forward pass, and pretrained weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import timm
import torch
from torch import nn

from framework import UserError
from framework_timm._stem import open_stem
from framework_timm._weights import load_file, load_package, load_published

FAULTS = (RuntimeError, ValueError, AssertionError, IndexError, TypeError, AttributeError, ZeroDivisionError, KeyError)
"""Exceptions that architectures raise for an unsupported image size, or for the argument `img_size`."""


@dataclass(frozen=True)
class Blueprint:
    """Everything that defines a timm network except its image size and its weights."""

    arch: str
    num_classes: int
    channels: int
    small_images: bool | Literal["half"]
    arguments: dict[str, Any]
    """Further arguments of `timm.create_model`."""

    @property
    def label(self) -> str:
        """The model's name in messages."""
        return f"model 'timm/{self.arch}'"

    def create(self, size: tuple[int, int], weights: dict[str, Any] | None = None) -> nn.Module:
        """The network for images of height and width `size`, after a trial forward pass.

        `weights` are the arguments of `timm.create_model` for pretrained weights. Raises one of `FAULTS` if the
        architecture does not support the size, and `UserError` if it does not have an option.
        """
        arguments = {"num_classes": self.num_classes, "in_chans": self.channels, **self.arguments, **(weights or {})}
        if "img_size" in self.arguments:
            return self._create(arguments, size)
        try:
            return self._create({"img_size": size, **arguments}, size)
        except FAULTS as fault:
            try:
                return self._create(arguments, size)
            except FAULTS as error:
                # Without `img_size`, the error of an architecture with a fixed size is about its default size.
                raise (error if _refused(fault) == "img_size" else fault) from None

    def _create(self, arguments: dict[str, Any], size: tuple[int, int]) -> nn.Module:
        try:
            model: nn.Module = timm.create_model(self.arch, **arguments)
        except TypeError as error:
            refused = _refused(error)
            if refused in arguments and refused != "img_size":
                raise UserError(f"{self.label} has no option '{refused}': remove it") from error
            raise
        images = torch.zeros((2, self.channels, *size), device=next(model.parameters()).device)
        model.eval()
        if self.small_images:
            open_stem(model, images, self.label, unstrided=self.small_images is True)
        # Not inference_mode: tensors that a network caches there cannot be used in training.
        with torch.no_grad():
            model(images)
        return model.train()


def build_model(
    blueprint: Blueprint, image_size: tuple[int, int], pretrained: bool | Literal["package"] | Path
) -> nn.Module:
    """The network, with pretrained weights if requested; an unsupported image size is an error before any download.

    Raises `UserError` if the options or the weights do not fit the architecture.
    """
    model = blueprint.create(image_size)

    def create(weights: dict[str, Any]) -> nn.Module:
        return blueprint.create(image_size, weights)

    if pretrained is False or next(model.parameters()).is_meta:
        return model
    label, channels, num_classes = blueprint.label, blueprint.channels, blueprint.num_classes
    if pretrained is True:
        return load_published(label, model, create)
    if pretrained == "package":
        return load_package(label, blueprint.arch, model, channels, num_classes, create)
    return load_file(pretrained, label, model, channels, num_classes, create)


def _refused(error: Exception) -> str | None:
    """The unexpected argument in the message of a `TypeError`."""
    match = re.search(r"unexpected keyword argument\W+(?:s\W+)?(\w+)", str(error))
    return match[1] if match else None
