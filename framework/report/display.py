"""The display of a run: plain lines, nothing, progress bars on a terminal, or one output of a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from framework.errors import count
from framework.hookspecs import hookimpl
from framework.report.formatting import percent
from framework.report.notebook import NotebookDisplay, in_notebook
from framework.report.run_display import Display
from framework.report.wrapping import fitted

READING_SECONDS, STEP_SECONDS = 10, 30
"""Between two lines of progress."""


class PlainDisplay(Display):
    """Plain lines, for log files."""

    def __init__(self) -> None:
        super().__init__()
        self.last = time.perf_counter()

    def line(self, text: str = "", style: str = "") -> None:
        """Wrapped on a terminal, else unchanged."""
        print(fitted(text, sys.stdout), flush=True)

    def reading(self, split: str, done: int, total: int) -> None:
        """A line every ten seconds."""
        if self._due(READING_SECONDS):
            self.line(f"reading {split}: {done:,} of {count(total, 'image')}")

    @hookimpl
    def step_end(self, step: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """A line every 30 seconds."""
        if self._due(STEP_SECONDS):
            score, title = self.score
            self.line(
                f"  step {step:,}, epoch {epoch}: loss {metrics['loss']:.3f}, {title} {percent(metrics[score])}, "
                f"{metrics['images_per_second']:,.0f} images/s"
            )

    def _due(self, seconds: float) -> bool:
        due = time.perf_counter() - self.last > seconds
        if due:
            self.last = time.perf_counter()
        return due


class SilentDisplay(Display):
    """No output, for use from Python."""

    def line(self, text: str = "", style: str = "") -> None:
        """Nothing."""

    def summary(self, results: Mapping[str, Any]) -> None:
        """Nothing."""


def choose_display() -> Display:
    """One updated output in a notebook, progress bars on a terminal, else plain lines."""
    if in_notebook():
        return NotebookDisplay()
    if not sys.stdout.isatty():
        return PlainDisplay()
    from framework.report.live import LiveDisplay

    return LiveDisplay()
