"""Models: one class per classification architecture of the installed torchvision."""

from __future__ import annotations

import functools
import types
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, field_validator

from framework import Model
from framework_torchvision._families import Family, architectures, family_of

if TYPE_CHECKING:
    from torch import nn


class TorchvisionModel(Model):
    """Base class of all architectures."""

    family: ClassVar[Family]
    """Properties of the architecture's family."""

    pretrained: bool | Path = False
    """Initialise with pretrained weights: true for torchvision's best published ones (downloaded once), or a local
    .safetensors or .pth file of this architecture. The input convolution is adapted to the number of channels (summed
    for grayscale, else repeated and rescaled), position embeddings to the image size, and a classifier for another
    number of classes is re-initialised; any other mismatch is an error. Does not change the architecture."""
    small_images: bool | Literal["half"] = False
    """For small images: the first convolution becomes 3×3 with stride 1, and the max-pool after it, if any, is removed.
    `half`: 3×3 without max-pool, but with the original stride. Pretrained kernels are resampled to 3×3. Feature maps
    become 2 to 8 times as high and wide, and training slower by the square of that. Not available for architectures
    whose stem has no stride (VGG) or splits the image into patches."""
    dropout: float | None = Field(None, ge=0, lt=1)
    """Dropout rate, for architectures with dropout; default: that of the architecture."""
    options: dict[str, bool | int | float | str | list[int] | list[float]] = Field(default_factory=dict)
    """Further arguments of torchvision's function, e.g. `{stochastic_depth_prob: 0.1}`."""

    @field_validator("small_images")
    @classmethod
    def _has_a_stem(cls, value: bool | Literal["half"]) -> bool | Literal["half"]:
        if value and cls.family.stem == "patches":
            raise ValueError(f"not available for {cls.name}, whose first layer splits the image into patches or grids")
        if value and cls.family.stem == "unstrided":
            raise ValueError(f"not available for {cls.name}, whose first layer does not downsample the image")
        return value

    @field_validator("dropout")
    @classmethod
    def _has_dropout(cls, value: float | None) -> float | None:
        if value is not None and cls.family.dropout is None:
            raise ValueError(f"{cls.name} has no dropout")
        return value

    def without_pretrained(self) -> Self:
        """A copy with random weights."""
        return self.model_copy(update={"pretrained": False})

    def pretrained_normalisation(self) -> tuple[Sequence[float], Sequence[float]] | None:
        """Mean and standard deviation of torchvision's weights; None for a local file, where it is unknown."""
        if self.pretrained is not True:
            return None
        from torchvision.models import get_model_weights

        transforms = get_model_weights(self.name).DEFAULT.transforms()
        return transforms.mean, transforms.std

    def build(self, num_classes: int, channels: int, image_size: tuple[int, int]) -> nn.Module:
        """The network. Raises `UserError` if the options or the weights do not fit the architecture."""
        from framework_torchvision._build import build_model

        arguments = {"num_classes": num_classes, **self.options}
        if self.family.auxiliary:
            arguments["aux_logits"] = self.auxiliary_weight() is not None
        if self.dropout is not None and self.family.dropout:
            arguments[self.family.dropout] = self.dropout
        return build_model(self.name, self.family, channels, image_size, arguments, self.small_images, self.pretrained)


class AuxiliaryModel(TorchvisionModel):
    """Base class of the architectures with auxiliary classifiers."""

    aux_weight: float | None = Field(None, gt=0)
    """Train the auxiliary classifiers too: their losses are added with this weight (0.3 in the GoogLeNet paper). They
    are not used in evaluation, are initialised randomly even with pretrained weights, and need larger images. Default:
    the network has none."""

    def auxiliary_weight(self) -> float | None:
        """The option `aux_weight`."""
        return self.aux_weight


@functools.cache
def model_classes() -> tuple[type[TorchvisionModel], ...]:
    """A component class for each architecture, sorted by name. Does not import torchvision."""
    return tuple(_model_class(arch, family_of(arch)) for arch in architectures())


def _model_class(arch: str, family: Family) -> type[TorchvisionModel]:
    members = {
        "__module__": __name__,
        "__doc__": f"{family.paper}: torchvision's `{arch}`.",
        "name": arch,
        "family": family,
    }
    switches = {"defer_build": True}  # few of the classes are ever used
    title = arch.title().replace("_", "")
    base = AuxiliaryModel if family.auxiliary else TorchvisionModel
    return types.new_class(title, (base,), switches, lambda namespace: namespace.update(members))
