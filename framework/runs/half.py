"""Weights in half precision, for bundles of half the size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from framework.errors import UserError


def write_halved(weights: Path, out: Path) -> None:
    """Write the tensors of one safetensors file to another, float32 rounded to float16; others stay as they are.

    A float16 has 11 significant bits and ends at 65,504: raises `UserError` where a number lies beyond.
    """
    tensors = load_file(weights)
    for name, tensor in tensors.items():
        if tensor.dtype == np.float32:
            with np.errstate(over="ignore"):
                tensors[name] = tensor.astype(np.float16)
            if not np.isfinite(tensors[name]).all():
                largest = np.abs(tensor).max()
                raise UserError(f"'{name}' reaches {largest:.3g}, beyond half precision (65,504); leave --half out")
    save_file(tensors, out)
