"""The differences of two runs as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from framework.recipe.option_text import value_text

if TYPE_CHECKING:
    from rich.console import Console

MOST = 50
"""Rows of a table: there may be a thousand classes."""
SHOWN = 12
"""Characters of a fingerprint."""


def print_differences(
    console: Console, differences: Mapping[str, Mapping[str, Sequence[Any]]], names: Sequence[str]
) -> None:
    """A table for each kind of difference, in order, then the kinds without one."""
    from rich.table import Table

    for kind, values in differences.items():
        if values:
            table = Table(box=None, header_style="bold", pad_edge=False)
            table.add_column(kind, no_wrap=True)
            for name in names:
                table.add_column(name, overflow="fold")
            for path, row in islice(values.items(), MOST):
                table.add_row(path, *(_cell(path, value) for value in row))
            console.print(table)
            if len(values) > MOST:
                console.print(f"… and {len(values) - MOST:,} more, which --json prints")
            console.print()
    same = [kind for kind, values in differences.items() if not values]
    if same:
        console.print(f"No difference in {', '.join(same)}.")


def _cell(path: str, value: Any) -> str:
    if value is None:
        return "–"
    return f"{value[:SHOWN]}…" if path.endswith("fingerprint") else value_text(value, 12)
