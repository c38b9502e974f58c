"""The part of a display that data preparation, evaluation and training need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Progress = Callable[[str, int, int], None]
"""Called while images are decoded, with the name of the split, the number of decoded images, and their total."""


def no_progress(split: str, done: int, total: int) -> None:
    """A `Progress` that does nothing."""


class Display(Protocol):
    """Prints lines and the progress of reading images."""

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line; `style` is one of rich's, such as `yellow`."""

    def reading(self, split: str, done: int, total: int) -> None:
        """Show that `done` of the `total` images of a split are decoded."""
