"""The terminal as a place for words of the user: names of classes and files are shown as they are."""

from __future__ import annotations

from typing import Any

from rich.console import Console


def plain_console(**options: Any) -> Console:
    """A console on which `[red]` is a word like any other, not a colour; styles are given beside the text."""
    return Console(highlight=False, markup=False, **options)
