"""Standard output and standard error that nobody reads any more, that cannot be written, or that were never open."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from framework.errors import RunFailed


class Stream:
    """A standard stream whose failure is one clear end, or none where the work goes on without it.

    A write that fails raises `BrokenPipeError` (the reader, such as `head`, has gone) or `RunFailed`, as long as the
    stream is `required`. Otherwise whatever is written from then on is discarded.
    """

    def __init__(self, inner: TextIO, name: str, *, required: bool) -> None:
        self.inner, self.name, self.required = inner, name, required

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.inner, attribute)

    def write(self, text: str) -> int:
        """As the stream itself."""
        with self._failure():
            self.inner.write(text)
        return len(text)

    def flush(self) -> None:
        """As the stream itself."""
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
                raise RunFailed(f"{self.name} cannot be written: {error.strerror}") from None
            if sys.stderr is not self:
                print(f"{self.name} cannot be written any more ({error.strerror}); the work goes on", file=sys.stderr)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Within it, `sys.stdout` and `sys.stderr` are `Stream`s; at its end, standard output is written to the last."""
    _open_what_is_closed()
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
    """From here on the command goes on where nobody reads what it prints: what it is for are files, or a server."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.required = False


def discard(stream: TextIO) -> None:
    """Let a stream that cannot be written lead nowhere, what waits in its buffer included."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _open_what_is_closed() -> None:
    """Fill the standard streams that the caller has closed (`>&-`).

    Else the next file that is opened gets their number, and what is printed may end in it. Standard input is then
    empty, and writing to the others fails.
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
