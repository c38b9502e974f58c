"""Evenly spaced samples of a sequence, such as of images sorted by class."""

from __future__ import annotations

import torch
from torch import Tensor


def evenly_spaced(total: int, number: int) -> Tensor:
    """Up to `number` indices below `total`, evenly spaced from 0 on: int64."""
    number = min(number, total)
    return torch.arange(number) * total // max(number, 1)
