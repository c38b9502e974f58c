"""Names of the architectures of the installed torchvision, read from its source files, and properties of each family.

Importing torchvision takes seconds and imports torch; reading its files takes milliseconds.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from framework import UserError

_MODEL = re.compile(rb"@register_model\(\)\n(?:@[^\n]*\n)*def (\w+)")

Initialisation = Literal[
    "torch", "kaiming fan-out", "kaiming fan-in", "kaiming uniform", "lecun", "0.01", "0.02", "0.1", "normal 0.02"
]
"""Initialisation of the input convolution; see `_stem.initialise`."""
Stem = Literal["strided", "pooled", "patches", "unstrided"]
"""A convolution with a stride, one followed by pooling, patches, or no downsampling."""


@dataclass(frozen=True)
class Family:
    """Architectures of one paper, identified by a prefix of the name."""

    prefix: str
    paper: str
    stem: Stem
    initialisation: Initialisation = "kaiming fan-out"
    pool: str = ""
    """Name of the pooling layer in a pooled stem."""
    dropout: str | None = None
    """Argument of torchvision's function that sets the dropout rate."""
    auxiliary: bool = False
    """Whether the architecture has auxiliary classifiers."""


FAMILIES = (
    Family("alexnet", "AlexNet (Krizhevsky, 2014)", "pooled", "torch", "features.2", "dropout"),
    Family("convnext", "ConvNeXt (Liu et al., 2022)", "patches", "0.02"),
    Family("densenet", "DenseNet (Huang et al., 2017)", "pooled", "kaiming fan-in", "features.pool0", "drop_rate"),
    Family("efficientnet", "EfficientNet (Tan & Le, 2019)", "strided", dropout="dropout"),
    Family("efficientnet_v2", "EfficientNetV2 (Tan & Le, 2021)", "strided", dropout="dropout"),
    Family("googlenet", "GoogLeNet (Szegedy et al., 2015)", "pooled", "0.01", "maxpool1", "dropout", True),
    Family("inception", "Inception v3 (Szegedy et al., 2016)", "pooled", "0.1", "maxpool1", "dropout", True),
    Family("maxvit", "MaxViT (Tu et al., 2022)", "patches", "normal 0.02", dropout="mlp_dropout"),
    Family("mnasnet", "MNASNet (Tan et al., 2019)", "strided", dropout="dropout"),
    Family("mobilenet_v2", "MobileNetV2 (Sandler et al., 2018)", "strided", dropout="dropout"),
    Family("mobilenet_v3", "MobileNetV3 (Howard et al., 2019)", "strided", dropout="dropout"),
    Family("regnet", "RegNet (Radosavovic et al., 2020)", "strided"),
    Family("resnet", "ResNet (He et al., 2016)", "pooled", pool="maxpool"),
    Family("resnext", "ResNeXt (Xie et al., 2017)", "pooled", pool="maxpool"),
    Family("shufflenet", "ShuffleNetV2 (Ma et al., 2018)", "pooled", "torch", "maxpool"),
    Family("squeezenet", "SqueezeNet (Iandola et al., 2016)", "pooled", "kaiming uniform", "features.2", "dropout"),
    Family("swin", "Swin Transformer (Liu et al., 2021)", "patches", "torch", dropout="dropout"),
    Family("swin_v2", "Swin Transformer V2 (Liu et al., 2022)", "patches", "torch", dropout="dropout"),
    Family("vgg", "VGG (Simonyan & Zisserman, 2015)", "unstrided", dropout="dropout"),
    Family("vit", "Vision Transformer (Dosovitskiy et al., 2021)", "patches", "lecun", dropout="dropout"),
    Family("wide_resnet", "Wide ResNet (Zagoruyko & Komodakis, 2016)", "pooled", pool="maxpool"),
)
_UNKNOWN = Family("", "An architecture of torchvision", "unstrided", "torch")


@functools.cache
def architectures() -> tuple[str, ...]:
    """Names of torchvision's classification architectures, sorted. Raises `UserError` if it is not installed."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise UserError("torchvision is not installed: pip install torchvision")
    files = (Path(spec.origin).parent / "models").glob("*.py")
    return tuple(sorted(name.decode() for file in files for name in _MODEL.findall(file.read_bytes())))


def family_of(arch: str) -> Family:
    """The family with the longest matching prefix; a generic one if none matches."""
    known = [family for family in FAMILIES if arch.startswith(family.prefix)]
    return max(known, key=lambda family: len(family.prefix), default=_UNKNOWN)
