"""Memory that was freed stays with the process, so that the next step need not ask the system for it again.

glibc hands large blocks back at once; the next step then faults every page of its activations in anew. On two cores
that is a tenth of ResNet-18's step at 64×64, batch 128: `python -m tests.benchmarks.cpu_step`.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Of `mallopt` in glibc's malloc.h."""

KEEP = 2**31 - 1
"""Bytes of freed memory that are kept: more than any step frees."""

LARGEST = (2**30, 2**25)
"""Bytes up to which a block is taken from the kept memory: as asked, and what older versions allow at most."""


def keep_freed_memory() -> bool:
    """Ask glibc to keep what is freed; whether it does. Other systems' allocators are left as they are."""
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library, as musl
        return False
    return any(mallopt(MMAP_THRESHOLD, size) for size in LARGEST) and bool(mallopt(TRIM_THRESHOLD, KEEP))
