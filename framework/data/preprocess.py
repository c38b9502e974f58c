"""The only implementation of preprocessing: channels, resizing, scaling, normalisation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from framework.data.decode import MAX_PIXELS, decode
from framework.data.resize import Axis, larger, resize, resize_batch, rounded, smaller

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

LUMA = (19595, 38470, 7471)  # ITU-R 601-2 in 16-bit fixed point, as Pillow converts to grayscale


@dataclass(frozen=True, eq=False)
class Normalization:
    """Subtracts the mean and divides by the standard deviation, float32 1×C×1×1 each."""

    mean: Tensor
    std: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        """Float32 B×C×H×W in [0, 1], normalised; on the device of the constants."""
        return (images - self.mean).div_(self.std)


@dataclass(frozen=True)
class Preprocessor:
    """All settings of preprocessing, resolved; saved with the run and used for every input image."""

    height: int
    width: int
    channels: Literal[1, 3]
    fit: Literal["crop", "stretch", "pad"]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    value_range: tuple[float, float] | None = None
    """Values of files with more than 8 bits a sample that become 0 and 255; None: as the files state."""

    @property
    def least_side(self) -> int:
        """Least pixels a side that a file may be decoded to, so that resizing determines its appearance.

        Training, evaluation and prediction decode with it: the same file always has the same pixels.
        """
        return 2 * max(self.height, self.width)

    def __call__(self, image: NDArray[np.uint8]) -> Tensor:
        """One decoded image, uint8 C×H×W of any size with 1 or 3 channels, as uint8 at the network's input size."""
        if len(image) > self.channels:  # NumPy is faster than torch for one small image
            image = luma(channel.astype(np.float32) for channel in image).astype(np.uint8)[None]
        elif len(image) < self.channels:
            image = np.repeat(image, 3, axis=0)
        writable = np.require(image, requirements=["C", "W"])  # torch warns about read-only arrays
        return self.resized(torch.from_numpy(writable))

    def from_file(
        self, file: str | Path | bytes | Image.Image, name: str | None = None, max_pixels: int = MAX_PIXELS
    ) -> Tensor:
        """Decode an image file, its bytes or a PIL image, as uint8 C×H×W at the network's size; raises `BadImage`.

        `name` is used in messages. May be called from any thread.
        """
        return self(decode(file, name, self.least_side, max_pixels, self.value_range))

    def with_channels(self, image: Tensor) -> Tensor:
        """Grayscale from RGB by luma (ITU-R 601-2), RGB from grayscale by repetition; uint8 …×C×H×W."""
        if image.shape[-3] == self.channels:
            return image
        if self.channels == 3:
            return image.expand(*image.shape[:-3], 3, *image.shape[-2:])
        gray: Tensor = luma(channel.float() for channel in image.unbind(-3))
        return gray.to(torch.uint8).unsqueeze(-3)

    def resized(self, image: Tensor) -> Tensor:
        """Bring uint8 C×H×W to the network's size: bilinear with antialiasing, rounded to uint8."""
        target = (self.height, self.width)
        if tuple(image.shape[1:]) == target:
            return image
        return torch.from_numpy(resize(image.numpy(), *self.axes(*image.shape[1:]), target))

    def resized_batch(self, images: Tensor) -> Tensor:
        """The same for uint8 B×C×H×W, as a graph that can be traced and then accepts images of any size."""
        sides = [torch.scalar_tensor(side, dtype=torch.int64) for side in images.shape[2:]]
        return resize_batch(images, *self.axes(*sides), (self.height, self.width))

    def axes(self, height: Any, width: Any) -> tuple[Axis, Axis]:
        """The part of an image of this size that `fit` uses and where it is placed, vertically and horizontally."""
        if self.fit == "crop":
            # Crop before resizing: a strip of 10000×1 resized to cover the target would need too much memory.
            taken = (
                larger(1, smaller(height, rounded(width * self.height, self.width))),
                larger(1, smaller(width, rounded(height * self.width, self.height))),
            )
            made: tuple[Any, Any] = (self.height, self.width)
        elif self.fit == "pad":
            taken = (height, width)
            made = (
                larger(1, smaller(self.height, rounded(height * self.width, width))),
                larger(1, smaller(self.width, rounded(width * self.height, height))),
            )
        else:
            taken, made = (height, width), (self.height, self.width)
        return (
            Axis((height - taken[0]) // 2, taken[0], (self.height - made[0]) // 2, made[0]),
            Axis((width - taken[1]) // 2, taken[1], (self.width - made[1]) // 2, made[1]),
        )

    def cut_away(self, height: int, width: int) -> float:
        """The fraction of an image of this size that `fit` crops."""
        down, across = self.axes(height, width)
        return 1 - float(down.taken * across.taken) / (height * width)

    def normalised(self, images: Tensor) -> Tensor:
        """Float32 B×C×H×W in [0, 1], normalised by mean and standard deviation."""
        return Normalization(*self._constants(images.device))(images)

    def normalization(self, device: torch.device) -> Normalization:
        """`normalised` with its constants on the device, for many batches."""
        with torch.inference_mode(False):  # training cannot use inference tensors
            return Normalization(*self._constants(device))

    def _constants(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, float32 1×C×1×1 each."""
        shape = (1, self.channels, 1, 1)
        return torch.tensor(self.mean, device=device).view(shape), torch.tensor(self.std, device=device).view(shape)

    def network_input(self, images: Tensor) -> Tensor:
        """Input of evaluation and prediction: uint8 B×C×H×W to normalised float32."""
        return self.normalised(images.div(255))

    def measured(self, counts: Tensor) -> Preprocessor:
        """With mean and standard deviation of each channel, from `level_counts`, int64 C×256."""
        levels = torch.arange(256, dtype=torch.float64) / 255
        fractions = counts.double() / counts.sum(dim=1, keepdim=True)
        mean = (fractions * levels).sum(dim=1)
        variance = (fractions * levels.square()).sum(dim=1) - mean.square()
        std = variance.clamp(min=0).sqrt().clamp(min=1 / 255)  # images of one value would divide by zero
        return replace(self, mean=_rounded(mean), std=_rounded(std))

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Preprocessor:
        """The inverse of `as_dict`."""
        restored: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in saved.items()}
        return cls(**restored)


def luma(channels: Iterable[Any]) -> Any:
    """Gray of red, green and blue in 0 to 255, to be truncated to uint8; all values are below 2^24, hence exact.

    Each channel is a float32 array or tensor, which is overwritten, and requested only when it is needed: for a large
    photo each copy takes hundreds of megabytes.
    """
    gray: Any = 0x8000
    for weight, channel in zip(LUMA, channels, strict=True):
        channel *= weight
        channel += gray
        gray = channel
    gray *= 2**-16
    return gray


def rgb_to_gray(images: Tensor) -> Tensor:
    """Luma of floating-point …×3×H×W: …×1×H×W."""
    red, green, blue = (weight / 2**16 * channel for weight, channel in zip(LUMA, images.split(1, -3), strict=True))
    gray: Tensor = red + green + blue
    return gray


def level_counts(images: Tensor) -> Tensor:
    """Histogram of the pixel values of uint8 N×C×H×W: int64 C×256."""
    channels = images.unbind(1)
    return torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in channels])


def _rounded(values: Tensor) -> tuple[float, ...]:
    return tuple(round(value, 6) for value in values.tolist())
