"""Boxes in an image, float32 N×5 or wider (left, top, right, bottom, score, …), and the pixels inside."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def rescale(pixels: "NDArray[np.uint8]", scale: float) -> "Floats":
    """Resize uint8 3×H×W by a factor; float32."""
    height, width = pixels.shape[1:]
    return _resized(pixels, (int(np.ceil(height * scale)), int(np.ceil(width * scale))))


def crop(pixels: "NDArray[np.uint8]", boxes: "Floats", size: int) -> "Floats":
    """The pixels of each box, resized to float32 N×3×size×size; black outside the image."""
    height, width = pixels.shape[1:]
    crops = np.empty((len(boxes), 3, size, size), np.float32)
    for index, (left, top, right, bottom) in enumerate(boxes[:, :4].round().astype(int).tolist()):
        whole = np.zeros((3, max(1, bottom - top), max(1, right - left)), np.uint8)
        inside = pixels[:, max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
        row, column = max(0, -top), max(0, -left)
        whole[:, row : row + inside.shape[1], column : column + inside.shape[2]] = inside
        crops[index] = _resized(whole, (size, size))
    return crops


def to_squares(boxes: "Floats") -> "Floats":
    """Squares with the same centres, as large as the longer sides."""
    centres = (boxes[:, :2] + boxes[:, 2:4]) / 2
    half = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centres - half, centres + half, boxes[:, 4:]], axis=1)


def add_offsets(boxes: "Floats", offsets: "Floats") -> "Floats":
    """Move each side by an offset, given as a fraction of the width or height of the box."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    moved = boxes[:, :4] + offsets * np.concatenate([sides, sides], axis=1)
    return np.concatenate([moved, boxes[:, 4:]], axis=1).astype(np.float32)


def suppress_non_maxima(boxes: "Floats", max_overlap: float, of_smaller: bool = False) -> "Floats":
    """Non-maximum suppression; overlap is a fraction of the union or of the smaller box."""
    order = np.argsort(-boxes[:, 4], kind="stable")
    areas = (boxes[:, 2:4] - boxes[:, :2]).clip(0).prod(axis=1)
    kept = []
    while len(order):
        best, others = order[0], order[1:]
        kept.append(best)
        upper = np.maximum(boxes[best, :2], boxes[others, :2])
        lower = np.minimum(boxes[best, 2:4], boxes[others, 2:4])
        shared = (lower - upper).clip(0).prod(axis=1)
        whole = np.minimum(areas[best], areas[others]) if of_smaller else areas[best] + areas[others] - shared
        order = others[shared <= max_overlap * whole]
    return boxes[kept]


def _resized(pixels: "NDArray[np.uint8]", size: tuple[int, int]) -> "Floats":
    image = torch.from_numpy(np.require(pixels, requirements=["C", "W"]))[None].float()
    return F.interpolate(image, size, mode="bilinear", antialias=True, align_corners=False)[0].numpy()
