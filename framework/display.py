"""What long work prints to: the part of a display that data preparation, evaluation and training need."""

from __future__ import annotations

from typing import Protocol


class Display(Protocol):
    """Prints lines and the progress of reading images."""

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line; `style` is one of rich's, such as `yellow`."""

    def reading(self, split: str, done: int, total: int) -> None:
        """Show that `done` of the `total` images of a split are decoded."""
