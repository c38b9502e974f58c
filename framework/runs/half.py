"""Weights in half precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from framework.errors import UserError


def write_halved(weights: Path, out: Path) -> None:
    """Copy a safetensors file, float32 rounded to float16; raises `UserError` for numbers above 65,504."""
    tensors = load_file(weights)
    for name, tensor in tensors.items():
        if tensor.dtype == np.float32:
            with np.errstate(over="ignore"):
                tensors[name] = tensor.astype(np.float16)
            if not np.isfinite(tensors[name]).all():
                largest = np.abs(tensor).max()
                raise UserError(
                    f"'{name}' has a value of {largest:.3g}; the limit of --half is 65,504. Leave out --half"
                )
    save_file(tensors, out)
