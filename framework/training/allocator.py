"""Memory that was freed stays with the process, so that the next step need not ask the system for it again.

glibc gives freed memory back as soon as some of it lies at the end of its heap; every step then faults the pages of its
activations in anew. `python -m tests.benchmarks.cpu_step` measures what keeping it brings.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Of `mallopt` in glibc's malloc.h."""

KEEP = 2**31 - 1
"""Bytes of freed memory that are kept: more than any step frees."""

LARGEST = 2**25
"""Bytes up to which a block comes from the heap. glibc itself goes no further: the heap would fall to pieces."""


def keep_freed_memory() -> bool:
    """Ask glibc to keep what is freed; whether it does. Other systems' allocators are left as they are."""
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library, as musl
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGEST)) and bool(mallopt(TRIM_THRESHOLD, KEEP))
