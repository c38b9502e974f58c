"""Networks for the shortest road to a given accuracy, after the speed records on CIFAR-10."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field, PositiveInt

from framework import Model, hookimpl

if TYPE_CHECKING:
    from torch import Tensor, nn


class SpeedNet(Model):
    """A short network of dense 3×3 convolutions with a whitening first layer, after airbench (Jordan, 2024).

    The first layer looks at small patches and is not trained: it makes the patches of the training images uncorrelated.
    Three blocks of `depth` convolutions follow, each halving the map.
    """

    name = "speednet"
    widths: tuple[PositiveInt, PositiveInt, PositiveInt] = (64, 128, 256)
    """Channels of the three blocks."""
    depth: int = Field(2, ge=2)
    """Convolutions in each block. From three on, those after the first are a residual branch, as in airbench96."""
    patch: Literal[2, 4] = 4
    """Pixels along a side of the first layer's patches, which overlap by half: 4 halves the map, 2 keeps its size."""
    whiten: bool = True
    """Whiten the patches of the first layer by the training images' statistics; else it is trained like any other."""
    dirac: bool = True
    """Begin with convolutions that pass on what they get, as far as channels go (Zagoruyko & Komodakis, 2017)."""
    scale: float = Field(1 / 9, gt=0)
    """Factor on the logits."""

    def build(self, num_classes: int, channels: int, sample: "Tensor | None") -> "nn.Module":
        """The network; without a `sample` of training images the first layer waits for weights to be loaded."""
        from framework_speed._network import SpeedNetwork

        return SpeedNetwork(
            num_classes, channels, self.widths, self.depth, self.patch, self.whiten, self.dirac, self.scale, sample
        )


@hookimpl
def components() -> Sequence[type[Model]]:
    """What this plugin offers."""
    return [SpeedNet]
