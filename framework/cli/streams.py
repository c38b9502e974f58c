"""Standard streams that cannot be written, are closed or have no reader."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from framework.errors import RunFailed


class Stream:
    """A standard stream that a command either needs or can do without.

    If the stream is `required`, a failed write raises `BrokenPipeError` (the reader, such as `head`, has exited) or
    `RunFailed`. Otherwise the failure is reported once on standard error, and all further output is discarded.
    """

    def __init__(self, inner: TextIO, name: str, *, required: bool) -> None:
        self.inner, self.name, self.required = inner, name, required

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.inner, attribute)

    def write(self, text: str) -> int:
        """Write to the stream."""
        with self._failure():
            self.inner.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        with self._failure():
            self.inner.flush()

    @contextmanager
    def _failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            discard(self.inner)
            if self.required and isinstance(error, BrokenPipeError):
                raise
            if self.required:
                raise RunFailed(f"{self.name} cannot be written: {error.strerror or error}") from None
            if sys.stderr is not self:
                reason = error.strerror or error
                print(f"{self.name} cannot be written any more ({reason}); the command continues", file=sys.stderr)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Replace `sys.stdout` and `sys.stderr` by `Stream`s, and open those that the caller has closed."""
    _open_closed_streams()
    before = sys.stdout, sys.stderr
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be UTF-8: what cannot be shown is escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout = cast("TextIO", Stream(before[0], "standard output", required=True))
    sys.stderr = cast("TextIO", Stream(before[1], "standard error", required=False))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def output_is_optional() -> None:
    """Let the command continue if its output is lost, because it writes files or serves."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.required = False


def discard(stream: TextIO) -> None:
    """Redirect a stream to the null device, with what is still in its buffer."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _open_closed_streams() -> None:
    """Open the standard streams that the caller has closed (`>&-`): input is empty, and writing to the others fails.

    Otherwise the next file to be opened would get the descriptor, and output could end up in that file.
    """
    missing = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
    if not missing:
        return
    while (opened := os.open(os.devnull, os.O_RDONLY)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)
    for name in missing:
        number = ("stdin", "stdout", "stderr").index(name)
        setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
