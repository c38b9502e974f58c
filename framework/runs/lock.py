"""One process at a time in a run folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framework.errors import UserError

_held: set[int] = set()
"""Descriptors of folders."""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder as long as this process lives; raises `UserError` where another process does.

    Where the system or the file system has no such locks, nobody is kept out.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    _held.add(descriptor)
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
        _held.remove(descriptor)
        os.close(descriptor)


def _let_go() -> None:
    """In a child, which may outlive this process for a moment: the lock is not its own."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
