"""Transforms of batches, with random parameters per image."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from framework import Transform


class Flip(Transform):
    """Mirror horizontally."""

    name = "flip"
    aliases = ("HorizontalFlip", "hflip")
    p: float = Field(0.5, ge=0, le=1)
    """Probability per image."""
    alternate: bool = False
    """Mirror each image in every other epoch, half of them in the first: two epochs then show every image both ways
    (Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", arXiv 2404.00498, 2024). Requires `p: 0.5`."""

    @model_validator(mode="after")
    def _half_of_the_time(self) -> Self:
        if self.alternate and self.p != 0.5:
            raise ValueError(f"'p' is {self.p}; with 'alternate' it must be 0.5")
        return self

    def build(self, image_size: tuple[int, int]) -> Any:
        """A geometric transform, composed with adjacent ones into one sampling."""
        from framework_torch._geometry import AlternatingFlip, FlipMatrices

        return AlternatingFlip() if self.alternate else FlipMatrices(self.p)


class Shift(Transform):
    """Random translation in both directions; the border is reflected."""

    name = "shift"
    aliases = ("RandomTranslation", "RandomTranslate")
    fraction: float = Field(0.1, ge=0, le=1)
    """Largest translation, as a fraction of height and width."""
    p: float = Field(1.0, ge=0, le=1)
    """Probability per image."""

    def build(self, image_size: tuple[int, int]) -> Any:
        """A geometric transform, composed with adjacent ones into one sampling."""
        from framework_torch._geometry import ShiftMatrices

        return ShiftMatrices(self.fraction, self.p)


class Scale(Transform):
    """Random scaling about the centre; the border is reflected."""

    name = "scale"
    aliases = ("RandomResizedCrop", "RandomZoom")
    fraction: float = Field(0.1, ge=0, lt=1)
    """The factor lies between 1 - fraction and 1 + fraction."""
    p: float = Field(1.0, ge=0, le=1)
    """Probability per image."""

    def build(self, image_size: tuple[int, int]) -> Any:
        """A geometric transform, composed with adjacent ones into one sampling."""
        from framework_torch._geometry import ScaleMatrices

        return ScaleMatrices(self.fraction, self.p)


class Rotate(Transform):
    """Random rotation about the centre; the border is reflected."""

    name = "rotate"
    aliases = ("RandomRotation", "RandomAffine")
    degrees: float = Field(10.0, ge=0, le=180)
    """Largest angle in degrees, in both directions."""
    p: float = Field(1.0, ge=0, le=1)
    """Probability per image."""

    def build(self, image_size: tuple[int, int]) -> Any:
        """A geometric transform, composed with adjacent ones into one sampling."""
        from framework_torch._geometry import RotateMatrices

        return RotateMatrices(self.degrees, self.p, image_size)


class Crop(Transform):
    """Reflection padding, then a random crop of the image's size: a translation by whole pixels.

    While images are smaller (`train.progressive_resize`) the translation is the same fraction of their size.
    """

    name = "crop"
    padding: int = Field(4, ge=0)
    """Pixels added on each side."""

    def build(self, image_size: tuple[int, int]) -> Any:
        """A geometric transform, composed with adjacent ones into one sampling."""
        from framework_torch._geometry import CropMatrices

        return CropMatrices(self.padding, image_size)


class Brightness(Transform):
    """Multiply by a random factor, clamped to [0, 1]."""

    name = "brightness"
    aliases = ("ColorJitter",)
    fraction: float = Field(0.2, ge=0, le=1)
    """The factor lies between 1 - fraction and 1 + fraction."""
    p: float = Field(1.0, ge=0, le=1)
    """Probability per image."""

    def build(self, image_size: tuple[int, int]) -> Any:
        """A photometric transform, composed with adjacent ones."""
        from framework_torch._photometry import BrightnessLevels

        return BrightnessLevels(self.fraction, self.p)


class Contrast(Transform):
    """Scale pixel values about the image's mean gray by a random factor, clamped to [0, 1]."""

    name = "contrast"
    fraction: float = Field(0.2, ge=0, le=1)
    """The factor lies between 1 - fraction and 1 + fraction."""
    p: float = Field(1.0, ge=0, le=1)
    """Probability per image."""

    def build(self, image_size: tuple[int, int]) -> Any:
        """A photometric transform, composed with adjacent ones."""
        from framework_torch._photometry import ContrastLevels

        return ContrastLevels(self.fraction, self.p)


class Erase(Transform):
    """Random erasing: replace a rectangle by noise (Zhong et al., 2020)."""

    name = "erase"
    aliases = ("RandomErasing", "Cutout")
    p: float = Field(0.5, ge=0, le=1)
    """Probability per image."""
    smallest: float = Field(0.02, gt=0, le=1)
    """Smallest fraction of the image's area."""
    largest: float = Field(0.2, gt=0, le=1)
    """Largest fraction of the image's area."""

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError(f"'smallest' is {self.smallest} and must be at most 'largest', {self.largest}")
        return self

    def build(self, image_size: tuple[int, int]) -> Any:
        """A function of a batch."""
        from framework_torch._photometry import EraseRectangle

        return EraseRectangle(self.p, self.smallest, self.largest)


class Mixup(Transform):
    """Blend each image and its target with another of the batch (Zhang et al., 2018)."""

    name = "mixup"
    alpha: float = Field(0.2, gt=0)
    """The weight of the other image is drawn per image from Beta(alpha, alpha)."""
    p: float = Field(1.0, ge=0, le=1)
    """Probability per image."""

    def build(self, image_size: tuple[int, int]) -> Any:
        """A function of a batch."""
        from framework_torch._mixing import Blend

        return Blend(self.alpha, self.p)


class Cutmix(Transform):
    """Paste a rectangle of another image of the batch, and mix targets by area (Yun et al., 2019)."""

    name = "cutmix"
    alpha: float = Field(1.0, gt=0)
    """The rectangle's fraction of the area is drawn per image from Beta(alpha, alpha)."""
    p: float = Field(0.5, ge=0, le=1)
    """Probability per image."""

    def build(self, image_size: tuple[int, int]) -> Any:
        """A function of a batch."""
        from framework_torch._mixing import Paste

        return Paste(self.alpha, self.p)


TRANSFORMS = (Flip, Shift, Scale, Rotate, Crop, Brightness, Contrast, Erase, Mixup, Cutmix)
