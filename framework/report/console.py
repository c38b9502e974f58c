"""A rich console that prints names of classes and files unchanged, and tables without borders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def plain_console(**options: Any) -> Console:
    """A console without markup: `[red]` is text, not a colour."""
    return Console(highlight=False, markup=False, **options)


def plain_table(*left: str, right: Sequence[str] = ()) -> Table:
    """A table without borders: the titles of its left-aligned columns, then those of its right-aligned ones."""
    table = Table(*left, box=None, header_style="bold", pad_edge=False)
    for title in right:
        table.add_column(title, justify="right")
    return table
