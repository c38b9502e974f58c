"""Networks for fast training to a given accuracy, after the speed records on CIFAR-10."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field, PositiveInt

from framework import Model, hookimpl

if TYPE_CHECKING:
    from torch import Tensor, nn


class SpeedNet(Model):
    """A short network of dense 3×3 convolutions with a whitening first layer, after airbench (Jordan, 2024).

    The first layer is not trained: it whitens small patches of the training images. Three blocks of `depth`
    convolutions follow; each halves the feature map.
    """

    name = "speednet"
    widths: tuple[PositiveInt, PositiveInt, PositiveInt] = (64, 128, 256)
    """Channels of the three blocks."""
    depth: int = Field(2, ge=2)
    """Convolutions in each block. With three or more, those after the first are a residual branch, as in airbench96."""
    patch: Literal[2, 4] = 4
    """Side of the first layer's patches in pixels; they overlap by half: 4 halves the map, 2 keeps its size."""
    whiten: bool = True
    """Initialise the first layer by whitening and freeze it; if false, it is trained as any other layer."""
    dirac: bool = True
    """Dirac initialisation: convolutions start as the identity (Zagoruyko & Komodakis, 2017)."""
    scale: float = Field(1 / 9, gt=0)
    """Factor of the logits."""

    def build(self, num_classes: int, channels: int, sample: "Tensor | None") -> "nn.Module":
        """The network; without a `sample` of training images, weights must be loaded for the first layer."""
        from framework_speed._network import SpeedNetwork

        return SpeedNetwork(
            num_classes, channels, self.widths, self.depth, self.patch, self.whiten, self.dirac, self.scale, sample
        )


@hookimpl
def components() -> Sequence[type[Model]]:
    """The components of this plugin."""
    return [SpeedNet]
