"""Regions of an image: their boxes and their pixels."""

from __future__ import annotations

import operator
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.attribution import ComponentFault, attributed_to, fault, full_name
from framework.components import Detector, build
from framework.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from framework.registry import Registry


@dataclass(frozen=True)
class Region:
    """A box in an image, in pixels of the upright image (EXIF orientation applied).

    It may extend beyond the image, as a square around an object at the edge does.
    """

    x: int
    """The left edge, from the left edge of the image."""
    y: int
    """The upper edge, from the upper edge of the image."""
    width: int
    height: int
    score: float = 1.0
    """The detector's confidence, from 0 to 1."""


Find = Callable[["NDArray[np.uint8]"], Sequence[Region]]
"""The result of `Detector.build`: maps uint8 C×H×W, C 1 or 3, to regions. Called from several threads at once."""


def cut(image: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """The pixels of a region of uint8 C×H×W; beyond the image its edge is repeated."""
    import numpy as np

    rows = np.arange(region.y, region.y + region.height).clip(0, image.shape[1] - 1)
    columns = np.arange(region.x, region.x + region.width).clip(0, image.shape[2] - 1)
    part: NDArray[np.uint8] = image[:, rows[:, None], columns]
    return part


@dataclass(frozen=True)
class BuiltDetector:
    """A detector's `Find`, attributed to its component: a call raises `ComponentFault` if it fails."""

    component: Detector
    find: Find

    @classmethod
    def of(cls, component: Detector) -> BuiltDetector:
        """Build the component; raises `ComponentFault` if that fails, or what its `build` raises for the user."""
        find = build(component)
        if not callable(find):
            raise fault(component, f"returned {type(find).__name__} from build(), which cannot be called")
        return cls(component, find)

    @property
    def name(self) -> str:
        """The name of the component."""
        return full_name(self.component)

    def __call__(self, image: NDArray[np.uint8]) -> list[Region]:
        """The regions of uint8 C×H×W."""
        with attributed_to(self.component, "its call"):
            regions = [_plain(region) for region in self.find(image)]
        if wrong := _wrong_region(regions, image):
            raise fault(self.component, f"{wrong[0]} for {wrong[1]}")
        return regions


def parse_detector(text: str, registry: Registry) -> Detector:
    """The detector that `--detect` names, with options as in `faces margin=0.2`; raises `UserError`."""
    from framework.recipe.loading import validate_component  # plugins import this module for `Region`: keep it fast

    try:
        name, *options = shlex.split(text)
    except ValueError:
        raise UserError(
            f"--detect is {text!r}; it must be the name of a detector with options, such as 'faces margin=0.2'"
        ) from None
    return validate_component(Detector, name, registry, options)


def regions_of(image: NDArray[np.uint8], find: Find, name: str) -> list[Region]:
    """The detected regions; raises `UserError` naming the image if the detector fails or breaks its contract.

    A region must overlap the image, and be no larger than three times its longer side.
    """
    try:
        regions = [_plain(region) for region in find(image)]
    except ComponentFault as error:
        raise ComponentFault(f"image '{name}': {error}") from error
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"the detector failed on '{name}': {type(error).__name__}: {error}") from error
    if wrong := _wrong_region(regions, image):
        raise UserError(f"the detector {wrong[0]} for '{name}', {wrong[1]}")
    return regions


def _wrong_region(regions: Sequence[Region], image: NDArray[np.uint8]) -> tuple[str, str] | None:
    """The first region that breaks the contract, the image and the rule."""
    height, width = image.shape[1:]
    for region in regions:
        if rule := _broken_rule(region, height, width):
            return f"gave {region}", f"an image of {width}×{height} pixels; {rule}"
    return None


def _broken_rule(region: Region, height: int, width: int) -> str | None:
    """The rule that a region breaks in an image of that size."""
    most = 3 * max(height, width)
    if not (0 < region.width <= most and 0 < region.height <= most):
        return f"a side is from 1 to {most} pixels, three times the longer side of the image"
    if not (-region.width < region.x < width and -region.height < region.y < height):
        return "a region overlaps the image"
    return None if 0 <= region.score <= 1 else "a score is from 0 to 1"


def _plain(region: Region) -> Region:
    """With plain Python numbers."""
    x, y, width, height = map(operator.index, (region.x, region.y, region.width, region.height))
    return Region(x, y, width, height, float(region.score))
