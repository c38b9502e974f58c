"""A lock on a run folder: one process trains in it at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from framework.errors import UserError

LOCK_FILE = ".lock"


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the folder's lock for the duration of the block; raises `UserError` if another process holds it.

    The operating system releases the lock when the process ends, however it ends. On a file system that has no locks
    the block runs without one.
    """
    lock = FileLock(folder / LOCK_FILE, timeout=0)
    try:
        with suppress(NotImplementedError):
            lock.acquire()
    except Timeout:
        raise UserError(f"another process is training in '{folder}': wait for it, or choose another --out") from None
    except OSError:
        pass
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes an open file only when it is closed
            Path(lock.lock_file).unlink()
        lock.release()
