"""Options that the survey of the training images suggests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framework.data.depth import FULL
from framework.errors import count

if TYPE_CHECKING:
    from framework.data.depth import DeepValues, ValueRange
    from framework.data.preprocess import Preprocessor

MUCH = 0.25
"""Cropped fraction of the images above which there is a message."""
LITTLE = 0.5
"""Fraction of the value range below which the range is reported as unused."""


def advice_on(cut_away: float, deep: DeepValues, preprocess: Preprocessor) -> Iterator[str]:
    """A message for each option that is probably not as intended.

    `cut_away` is the mean fraction of a training image that `preprocess.fit` removes, `deep` the values of those with
    more than 8 bits per sample.
    """
    if cut_away > MUCH:
        yield (
            f"preprocess.fit=crop removes {cut_away:.0%} of the training images on average. To keep all of "
            "them: preprocess.fit=pad, preprocess.fit=stretch, or a preprocess.size=[HEIGHT,WIDTH] of their shape"
        )
    if deep.images and (message := unused_range(deep, preprocess.value_range, "training image")):
        yield f"{message} Set {range_options(deep)}"
    if deep.least_white < deep.most_white:
        yield (
            f"training images with more than 8 bits a sample state different values for white, from "
            f"{deep.least_white:g} to {deep.most_white:g}: each is scaled by its own. To scale all by the same: "
            f"dataset.value_range=[0,{deep.most_white:g}]"
        )


def unused_range(deep: DeepValues, given: ValueRange | None, noun: str) -> str | None:
    """A message if images with more than 8 bits a sample use little of their range, or exceed the range `given`."""
    low, high = given or (0.0, float(FULL))
    values = f"{count(deep.images, noun)} with more than 8 bits a sample: values go from {deep.low:g} to {deep.high:g}"
    if given is not None and (deep.high > high or deep.low < low):
        return f"{values}; those beyond {low:g} to {high:g} become black or white."
    if 0 < deep.high - low < LITTLE * (high - low):
        return f"{values}, {(deep.high - low) / (high - low):.2%} of {low:g} to {high:g}: the images are nearly black."
    return None


def range_options(deep: DeepValues) -> str:
    """The options that scale such images to their own range."""
    bits = max(8, int(deep.high).bit_length())
    if deep.low >= 0 and deep.high == int(deep.high) and bits <= 32:
        return f"dataset.bit_depth={bits} or dataset.value_range=[0,{deep.high:g}]"
    return f"dataset.value_range=[{deep.low:g},{deep.high:g}]"
