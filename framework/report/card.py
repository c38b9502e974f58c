"""A model card (Markdown) rendered as text for a terminal."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from markdown_it import MarkdownIt
from rich.markdown import CodeBlock, Heading, Markdown
from rich.padding import Padding
from rich.text import Text

from framework.report.console import plain_console

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


class _LeftHeading(Heading):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.text.plain, style="bold")


class _PlainCode(CodeBlock):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Padding(Text(str(self.text).rstrip()), (0, 0, 0, 2))


class _Card(Markdown):
    """Headings, paragraphs, tables and code; other Markdown syntax would alter class names and file names."""

    elements: ClassVar = {
        **Markdown.elements,
        "heading_open": _LeftHeading,
        "fence": _PlainCode,
        "code_block": _PlainCode,
    }

    def __init__(self, text: str) -> None:
        super().__init__("")
        parser = MarkdownIt("commonmark", {"html": False}).enable("table")
        self.parsed = parser.disable(
            ["emphasis", "link", "image", "autolink", "html_inline", "html_block", "entity"]
        ).parse(text)


def card_text(card: str, name: str, width: int, *, coloured: bool) -> str:
    """The card with the heading `name`, as the user typed it; the card's own title follows if it differs from the name.

    The default title is the file name at the time of writing, which may have changed since.
    """
    title, _, rest = card.partition("\n")
    repeated = title.removeprefix("#").strip() in (name, Path(name).name, Path(name).stem)
    body = rest if title.startswith("# ") and repeated else card
    file = io.StringIO()
    console = plain_console(file=file, width=width, force_terminal=coloured)
    console.print(f"bundle {name}\n", style="bold")
    console.print(_Card(body.strip()))
    lines = file.getvalue().splitlines()
    return "\n".join(line.rstrip() for line in lines).rstrip()
