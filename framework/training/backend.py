"""PyTorch's global settings during a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

from framework.device import tf32
from framework.training.allocator import keep_freed_memory


@contextmanager
def backend_settings(device: torch.device, *, deterministic: bool) -> Iterator[None]:
    """Settings for training and evaluation on `device`: the current CUDA device, no TF32, cuDNN's choice of algorithms.

    `deterministic` makes cuDNN use the same algorithms each time; the CPU's are deterministic for a given number of
    threads. The previous settings are restored afterwards, except for glibc's allocator, which cannot be queried.
    """
    if device.type == "cpu":
        keep_freed_memory()
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = deterministic, not deterministic
    try:
        # Pinned memory belongs to the current CUDA device.
        with tf32(False), torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
