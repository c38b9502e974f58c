"""Work done ahead of its use by several threads, in the order in which it was asked for."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """That this process may use: a batch system or `taskset` gives it fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


THREADS = processors()
"""Threads that read: decoders and file systems let go of the interpreter while they work."""


def in_order(work: Callable[[T], R], items: Iterable[T], ahead: int = THREADS + 1) -> Generator[R, None, None]:
    """`work(item)` for each item, in their order; no more than `ahead` are done or being done before they are used.

    `items` may be endless: one is taken when there is room for it, in the thread of the caller. What `work` raises is
    raised here when its turn comes.
    """
    with ThreadPoolExecutor(THREADS, thread_name_prefix="reading") as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
