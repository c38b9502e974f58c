"""Which image sizes a network takes, found by trying without computing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable

import torch
from torch import nn

from framework.errors import UserError

SIDES = (28, 32, 40, 48, 56, 64, 72, 80, 96, 112, 128, 144, 160, 192, 224, 240, 256, 288, 299, 320, 384, 448, 512)
"""Sides of square images that data sets and recipes use."""


def nearest_sizes(wanted: tuple[int, int], attempt: Callable[[tuple[int, int]], nn.Module]) -> list[int]:
    """The sides of the nearest smaller and the nearest larger square images that `attempt` succeeds for, if any.

    `attempt` builds a network for a size and runs it; it raises `UserError` where that fails. It is called on torch's
    meta device, where that takes neither memory nor arithmetic.
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
