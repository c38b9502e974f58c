"""Lists the files that paths, folders and patterns name, one at a time."""

from __future__ import annotations

import codecs
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from framework.data.decode import BadImage
from framework.data.folders import SIDECARS, is_hidden, walk
from framework.data.unicode_names import existing_path, nfc
from framework.errors import UserError

MAGIC = frozenset("*?[")


@dataclass
class Listing:
    """Lists files, and counts the files that it skips.

    A file that is named is always listed, whatever its ending. A folder lists every visible file below it, also through
    links, except `SIDECARS`: sorted by name within each folder, files before sub-folders. A folder that cannot be read
    gives a `BadImage`, and the listing continues.
    """

    skipped: Counter[str] = field(default_factory=Counter)
    """Number of skipped files by their ending."""
    empty: list[str] = field(default_factory=list)
    """Folders without an image."""

    def named(self, word: str) -> Iterator[str | BadImage]:
        """The files of a path, a folder or a pattern; Unicode forms of a name are equal."""
        word = existing_path(word)
        if os.path.lexists(word) or not is_pattern(word):
            yield from self.at(word)
        else:
            for path in expand(word):
                yield from self.at(path)

    def at(self, path: str) -> Iterator[str | BadImage]:
        """The file or the files of the folder at a path."""
        path = existing_path(path)
        if not os.path.isdir(path):  # noqa: PTH112 (creating a `Path` takes longer than finding its file)
            yield path
            return
        found = False
        for entry in self._below(path):
            found = True
            yield entry
        if not found:
            self.empty.append(path)

    def _below(self, folder: str) -> Iterator[str | BadImage]:
        unreadable: list[BadImage] = []

        def note(error: OSError) -> None:
            unreadable.append(BadImage(str(error.filename), f"the folder cannot be read: {error.strerror}"))

        for parent, files in walk(folder, note):
            yield from unreadable
            unreadable.clear()
            yield from self._images(parent, files)
        yield from unreadable

    def _images(self, parent: str, files: list[str]) -> Iterator[str]:
        before = os.path.join(parent, "")  # noqa: PTH118
        for name in sorted(files):
            ending = os.path.splitext(name)[1].lower()  # noqa: PTH122
            if ending in SIDECARS:
                self.skipped[ending] += 1
            elif not is_hidden(name):
                yield before + name


def is_pattern(word: str) -> bool:
    """Whether it contains a wildcard: `*`, `?`, `[`."""
    return not MAGIC.isdisjoint(word)


def missing(words: Iterable[str]) -> None:
    """Raise `UserError` for the first word that names no file, no folder and no pattern that matches."""
    for word in words:
        if not os.path.lexists(existing_path(word)) and (not is_pattern(word) or next(expand(word), None) is None):
            raise UserError(f"there is no file or folder '{word}'")


def expand(pattern: str) -> Iterator[str]:
    """Expand a pattern as a shell does: `*`, `?` and `[…]` within a name, `**` for any number of folders.

    Sorted within each folder. Hidden names (`is_hidden`) match if the pattern begins with a dot. A pattern with `**`
    that ends in another pattern gives files only, because folders would repeat them; one that ends in `**` is the
    folder itself.
    """
    whole = Path(pattern)
    parts = list(whole.relative_to(whole.anchor).parts)
    while parts and parts[-1] == "**":
        parts.pop()
    return _matches(whole.anchor, parts, files_only="**" in parts and is_pattern(parts[-1]))


def _matches(folder: str, parts: Sequence[str], files_only: bool) -> Iterator[str]:
    """Paths below a folder that match the parts of a pattern."""
    if not parts:
        if not (files_only and os.path.isdir(folder)):  # noqa: PTH112
            yield folder or os.curdir
        return
    first, rest = parts[0], parts[1:]
    if first == "**":
        yield from _matches(folder, rest, files_only)
        for name in _names(folder, "*", folders=True):
            yield from _matches(os.path.join(folder, name), parts, files_only)  # noqa: PTH118
        return
    names = _names(folder, first) if is_pattern(first) else [first]
    for name in names:
        path = existing_path(os.path.join(folder, name))  # noqa: PTH118
        if os.path.lexists(path):
            yield from _matches(path, rest, files_only)


def _names(folder: str, pattern: str, folders: bool = False) -> list[str]:
    """The sorted names in a folder that match; none if it cannot be read. With `folders`, only names of folders."""
    try:
        with os.scandir(folder or os.curdir) as entries:
            return sorted(
                entry.name
                for entry in entries
                if fnmatchcase(nfc(entry.name), nfc(pattern))
                and (pattern.startswith(".") or not is_hidden(entry.name))
                and (not folders or entry.is_dir(follow_symlinks=False))
            )
    except OSError:
        return []


def lines_of(stream: BinaryIO, end: bytes = b"\n") -> Iterator[str]:
    """Paths from a stream, separated by newlines or NUL; empty ones are skipped.

    A byte order mark and the CR of a CRLF are not part of a path. Raises `UserError` for UTF-16.
    """
    parts = _parts(stream, end)
    if end == b"\n":
        parts = (line.removesuffix(b"\r") for line in _without_mark(parts))
    yield from map(os.fsdecode, filter(None, parts))


def _parts(stream: BinaryIO, end: bytes) -> Iterator[bytes]:
    rest = b""
    while block := stream.read1(1 << 16) if hasattr(stream, "read1") else stream.read(1 << 16):
        *whole, rest = (rest + block).split(end)
        yield from whole
    yield rest


def _without_mark(lines: Iterator[bytes]) -> Iterator[bytes]:
    first = next(lines)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UserError("the list of paths is UTF-16; write it as UTF-8, in PowerShell with `-Encoding utf8`")
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from lines
