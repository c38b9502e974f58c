"""The display in a notebook: one output cell, updated in place."""

from __future__ import annotations

import importlib
import sys
import time
import warnings
from collections.abc import Mapping
from html import escape
from types import TracebackType
from typing import Any, Self

from framework.errors import count
from framework.hookspecs import hookimpl
from framework.report.formatting import duration, percent
from framework.report.run_display import Display
from framework.report.wrapping import wrapped

WIDTH = 100
"""Characters in a line."""
PERIOD = 0.25
"""Seconds between two updates of the progress line: each one is a message to the browser."""


class NotebookDisplay(Display):
    """Lines above a line of progress, which disappears at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings = warnings.catch_warnings()
        self.lines: list[str] = []
        self.progress = ""
        self.loss = ""
        self.handle: Any = None
        self.updated = self.started = time.perf_counter()
        self.start_step = self.total_steps = 0

    @property
    def width(self) -> int:
        """Characters in a line."""
        return WIDTH

    def __enter__(self) -> Self:
        self.warnings.__enter__()
        # tqdm, which timm imports, asks for a package that this display does without.
        warnings.filterwarnings("ignore", message="IProgress not found")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.warnings.__exit__(kind, error, trace)
        if self.progress:
            self._show("")

    def line(self, text: str = "", style: str = "") -> None:
        """Wrapped."""
        self.lines.append(wrapped(text, WIDTH))
        self._show(self.progress)

    def reading(self, split: str, done: int, total: int) -> None:
        """Show the number of decoded images."""
        if done == total:
            if self.progress:
                self._show("")
        elif self._due():
            self._show(f"reading {split}: {done:,} of {count(total, 'image')}")

    @hookimpl
    def run_start(self, total_steps: int, start_step: int) -> None:
        """Remember the number of steps."""
        self.total_steps, self.start_step, self.started = total_steps, start_step, time.perf_counter()

    def tick(self, step: int) -> None:
        """Show the step and the time left."""
        if self._due():
            per_step = (time.perf_counter() - self.started) / (step - self.start_step)
            left = duration(per_step * (self.total_steps - step))
            self._show(f"step {step:,} of {self.total_steps:,}, {left} left{self.loss}")

    @hookimpl
    def step_end(self, metrics: Mapping[str, float]) -> None:
        """Remember loss, score and throughput for the next update."""
        score, title = self.score
        self.loss = (
            f", loss {metrics['loss']:.3f}, {title} {percent(metrics[score])}, "
            f"{metrics['images_per_second']:,.0f} images/s"
        )

    @hookimpl
    def run_end(self, results: Mapping[str, Any]) -> None:
        """Replace the progress by the summary."""
        self.progress = ""
        self.summary(results)

    def _due(self) -> bool:
        return time.perf_counter() - self.updated >= PERIOD

    def _show(self, progress: str) -> None:
        display = importlib.import_module("IPython.display").display  # untyped

        self.progress, self.updated = progress, time.perf_counter()
        text = "\n".join([*self.lines, progress] if progress else self.lines)
        data = {"text/plain": text, "text/html": f"<pre>{escape(text)}</pre>"}
        if self.handle is None:
            self.handle = display(data, raw=True, display_id=True)
        else:
            self.handle.update(data, raw=True)


def in_notebook() -> bool:
    """Whether the code runs in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
