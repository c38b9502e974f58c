"""A rich console that prints names of classes and files unchanged."""

from __future__ import annotations

from typing import Any

from rich.console import Console


def plain_console(**options: Any) -> Console:
    """A console without markup: `[red]` is text, not a colour."""
    return Console(highlight=False, markup=False, **options)
