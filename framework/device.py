"""Device and precision of training and evaluation."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from framework.errors import UserError, count

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The device with this name; `auto` is CUDA, else MPS, else the CPU. Raises `UserError` if it is not available."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(
            f"train.device is '{name}', but torch {torch.__version__} finds no CUDA device; use auto or cpu"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"train.device is '{name}'; there are {torch.cuda.device_count()} CUDA devices, from cuda:0")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError("train.device is 'mps', which is not available on this machine; use auto or cpu")
    return device


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Let CUDA devices compute float32 products in TF32, or not; restores the previous settings.

    TF32 has 10 of the 23 bits of float32's mantissa. PyTorch allows it for convolutions by default.
    """
    before = _tf32()
    _set_tf32(allowed, allowed)
    try:
        yield
    finally:
        _set_tf32(*before)


def wait_for(device: torch.device) -> None:
    """Wait until the device has finished all queued work."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def choose_precision(name: Literal["auto", "float32", "bfloat16", "float16"], device: torch.device) -> torch.dtype:
    """The dtype of forward and backward passes; `auto` is one that the device supports natively."""
    if name != "auto":
        if name == "float16" and device.type == "cpu":
            raise UserError("train.precision=float16 needs a GPU; on the CPU use auto, bfloat16 or float32")
        return PRECISIONS[name]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and _cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def describe_device(device: torch.device) -> str:
    """A readable name: `cuda (NVIDIA H100)`, `cpu (2 threads)`."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({count(torch.get_num_threads(), 'thread')})" if device.type == "cpu" else device.type


def peak_memory(device: torch.device) -> int:
    """Peak memory in bytes: allocated on a CUDA device, else resident in this process; 0 if unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows has no such module
        return 0
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else highest * 1024


def _cpu_has_bfloat16() -> bool:
    """Whether it has AVX512_BF16 or AMX; without them bfloat16 is emulated and slower than float32."""
    if not torch.backends.mkldnn.is_available():
        return False
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _tf32() -> tuple[bool, bool]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch 2.9 deprecates these settings
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def _set_tf32(matmul: bool, cudnn: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn
