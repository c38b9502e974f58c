"""One process at a time in a run folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framework.errors import UserError


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder as long as the process lives; raises `UserError` where another process does.

    Where the system or the file system has no such locks, nobody is kept out.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another process is training in '{folder}': wait for it, or choose another --out"
            ) from None
        except OSError:
            pass
        yield
    finally:
        os.close(descriptor)
