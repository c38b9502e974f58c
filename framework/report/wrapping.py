"""Lines that are wrapped at words where the terminal is narrow."""

from __future__ import annotations

import re
import shutil
import textwrap
from typing import TextIO

COLUMN = re.compile(r"^ +|(?<=\S) {2,}")
"""The space before a column: at the beginning of a line, or two and more after a word."""
COMMAND = re.compile(r"`[^`]*`|(?:(?<=: )|(?<=^    ))framework .*")
"""What is there to be copied, and so is not cut: text between backticks, and a command at the end of a line."""
HARD_SPACE = "\N{NO-BREAK SPACE}"


def wrapped(text: str, width: int, indent: int = 0) -> str:
    """The line in lines of at most `width` characters; the further ones begin below its last column.

    Words stay whole, such as paths, and so do commands. A column that begins in the right half of the line does not
    count. Further lines are set in by `indent` characters at least.
    """
    if len(text) <= width:
        return text
    columns = [found.end() for found in COLUMN.finditer(text) if found.end() <= width // 2]
    whole = COMMAND.sub(lambda found: found[0].replace(" ", HARD_SPACE), text)
    words = whole.lstrip(" ")
    lines = textwrap.wrap(
        words, width, initial_indent=" " * (len(whole) - len(words)), break_long_words=False, break_on_hyphens=False,
        subsequent_indent=" " * max([indent, *columns]),
    )  # fmt: skip
    return "\n".join(lines).replace(HARD_SPACE, " ")


def fitted(text: str, stream: TextIO, indent: int = 0) -> str:
    """Lines wrapped to the terminal that `stream` writes to; as they are where it writes to something else."""
    if not stream.isatty():
        return text
    return "\n".join(wrapped(line, terminal_width(stream), indent) for line in text.split("\n"))


def terminal_width(stream: TextIO, widest: int | None = None) -> int:
    """Characters in a line of the terminal that `stream` writes to, `widest` where it is wider, or no terminal."""
    columns = shutil.get_terminal_size().columns
    return columns if widest is None else min(widest, columns) if stream.isatty() else widest
