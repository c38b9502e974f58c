"""Image sizes that a network can process, found by running it without computing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable

import torch
from torch import nn

from framework.errors import UserError

SIDES = (28, 32, 40, 48, 56, 64, 72, 80, 96, 112, 128, 144, 160, 192, 224, 240, 256, 288, 299, 320, 384, 448, 512)
"""Common sides of square images."""


def nearest_sizes(wanted: tuple[int, int], attempt: Callable[[tuple[int, int]], nn.Module]) -> list[int]:
    """The sides of the nearest smaller and the nearest larger square images for which `attempt` succeeds, if any.

    `attempt` builds a network for a size and runs it; it raises `UserError` if that fails. It is called on PyTorch's
    meta device, which neither allocates nor computes.
    """
    side = max(wanted)
    smaller = [known for known in reversed(SIDES) if known < side]
    larger = [known for known in SIDES if known > side or (known == side and wanted[0] != wanted[1])]
    found = [_first(sides, attempt) for sides in (smaller, larger)]
    return [side for side in found if side is not None]


def _first(sides: Iterable[int], attempt: Callable[[tuple[int, int]], nn.Module]) -> int | None:
    for side in sides:
        try:
            with torch.device("meta"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                attempt((side, side))
        except UserError:
            continue
        return side
    return None
