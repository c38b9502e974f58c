"""A progress line for terminals of any width: the least important parts are dropped first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.progress import Progress, ProgressColumn, Task
from rich.table import Column
from rich.text import Text

from framework.report.formatting import duration

if TYPE_CHECKING:
    from rich.console import Console

GAP = "  "


def progress_bar(console: Console, **options: Any) -> Progress:
    """A line for each task: description, bar, time left, and its field `notes`: texts, the most important first."""
    return Progress(_Line(console), console=console, transient=True, expand=True, **options)


def progress_line(width: int, label: str, fraction: float | None, left: float | None, notes: Iterable[str]) -> Text:
    """A line of at most `width` cells; `fraction` and `left` (seconds) are None if unknown."""
    line = Text(label, style="bold", no_wrap=True, overflow="ellipsis", end="")
    if fraction is not None:
        cells = _bar_cells(width)
        full = round(fraction * cells)
        line.append(" " * bool(cells))
        line.append("━" * full, "not bold cyan").append("━" * (cells - full), "not bold bright_black")
        line.append(f" {100 * fraction:3.0f} %", "not bold")
    time = [] if left is None else [f"{duration(left)} left"]
    for index, text in enumerate([*time, *notes]):
        if line.cell_len + len(GAP) + cell_len(text) > width:
            break
        line.append(GAP + text, "not bold" if index < len(time) else "not bold dim")
    line.truncate(width, overflow="ellipsis")
    return line


def _bar_cells(width: int) -> int:
    return 28 if width >= 120 else 16 if width >= 72 else 8 if width >= 50 else 0


class _Line(ProgressColumn):
    """The whole line as one column: rich would wrap several columns one by one."""

    max_refresh = None

    def __init__(self, console: Console) -> None:
        super().__init__(Column(no_wrap=True, overflow="ellipsis"))
        self.console = console

    def render(self, task: Task) -> Text:
        """Fitted to the current width of the terminal."""
        fraction = task.percentage / 100 if task.total else None
        left = None if task.finished else task.time_remaining
        return progress_line(self.console.width, task.description, fraction, left, task.fields["notes"])
