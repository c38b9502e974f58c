"""Keeps freed memory in the process, so that the next step does not request it from the system again.

glibc returns freed memory at the end of its heap to the system; every step then causes page faults for its activations.
`python -m tests.benchmarks.cpu_step` measures the gain.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of `mallopt` in glibc's malloc.h."""

KEEP = 2**31 - 1
"""Bytes of freed memory to keep: more than any step frees."""

LARGEST = 2**25
"""Largest block in bytes that is allocated on the heap: glibc's own maximum, which limits fragmentation."""


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory; returns whether it does. Other allocators are not changed."""
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library, such as musl
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGEST)) and bool(mallopt(TRIM_THRESHOLD, KEEP))
