"""Lines that are wrapped at words where the terminal is narrow."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap

COLUMN = re.compile(r"^ +|(?<=\S) {2,}")
"""The space before a column: at the beginning of a line, or two and more after a word."""


def wrapped(text: str, width: int) -> str:
    """The line in lines of at most `width` characters; the further ones begin below its last column.

    Words stay whole, such as paths. A column that begins in the right half of the line does not count.
    """
    if len(text) <= width:
        return text
    indent = max((found.end() for found in COLUMN.finditer(text) if found.end() <= width // 2), default=0)
    lines = textwrap.wrap(
        text, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )  # fmt: skip
    return "\n".join(lines)


def fitted(text: str) -> str:
    """Lines wrapped to the terminal; as they are where the output is no terminal."""
    if not sys.stdout.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return "\n".join(wrapped(line, width) for line in text.split("\n"))
