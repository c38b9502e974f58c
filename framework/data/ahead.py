"""Work done by several threads ahead of its use, in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """Processors that this process may use: a batch system or `taskset` may allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


THREADS = processors()
"""Worker threads: decoders and file systems release the interpreter lock while they work."""


def in_order(work: Callable[[T], R], items: Iterable[T], ahead: int = THREADS + 1) -> Generator[R, None, None]:
    """`work(item)` for each item, in order; at most `ahead` results are computed before they are used.

    `items` may be endless: it is consumed on demand, in the thread of the caller. An exception of `work` is raised in
    place of its result.
    """
    with ThreadPoolExecutor(THREADS, thread_name_prefix="ahead") as pool:
        pending: deque[Future[R]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
