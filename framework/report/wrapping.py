"""Wrapping of long lines at words, for narrow terminals."""

from __future__ import annotations

import re
import shutil
import textwrap
from typing import TextIO

COLUMN = re.compile(r"^ +|(?<=\S) {2,}")
"""The space before a column: at the beginning of a line, or two or more spaces after a word."""
COMMAND = re.compile(r"`[^`]*`|(?:(?<=: )|(?<=^    ))framework .*")
"""Text to copy, which is not wrapped: between backticks, and commands at the end of a line."""
HARD_SPACE = "\N{NO-BREAK SPACE}"


def wrapped(text: str, width: int, indent: int = 0) -> str:
    """The line, wrapped at `width` characters; continuation lines are aligned with its last column.

    Long words such as paths, and commands, are not split. A column that starts in the right half of the line is
    ignored. Continuation lines are indented by at least `indent` characters.
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
    """Each line wrapped to the width of the terminal; unchanged if `stream` is not a terminal."""
    if not stream.isatty():
        return text
    return "\n".join(wrapped(line, terminal_width(stream), indent) for line in text.split("\n"))


def terminal_width(stream: TextIO, widest: int | None = None) -> int:
    """Columns of the terminal, at most `widest`; `widest` if `stream` is not a terminal."""
    columns = shutil.get_terminal_size().columns
    return columns if widest is None else min(widest, columns) if stream.isatty() else widest
