"""The display on a terminal, with progress bars."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from framework.errors import count
from framework.hookspecs import hookimpl
from framework.report.console import plain_console
from framework.report.formatting import percent
from framework.report.progress import progress_bar
from framework.report.run_display import Display
from framework.report.wrapping import wrapped

if TYPE_CHECKING:
    from rich.console import Console


class LiveDisplay(Display):
    """Lines above a progress bar."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self.console = console or plain_console()
        self.progress = progress_bar(self.console)
        self.task: Any = None
        self.label = ""
        self.steps_per_epoch = 1

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return self.console.width

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def line(self, text: str = "", style: str = "") -> None:
        """Wrapped to the width of the terminal."""
        self.console.print(wrapped(text, self.width), style=style or None, soft_wrap=True)

    def reading(self, split: str, done: int, total: int) -> None:
        """Move the bar of the split."""
        self._show(f"reading {split}", total)
        self.progress.update(self.task, completed=done, notes=[f"{done:,} of {count(total, 'image')}"])
        if done == total:
            self._hide()

    @hookimpl
    def run_start(self, total_steps: int, start_step: int, steps_per_epoch: int) -> None:
        """Show the bar of the training."""
        self.steps_per_epoch = steps_per_epoch
        self._show("training", total_steps)
        self.progress.update(self.task, completed=start_step)

    def tick(self, step: int) -> None:
        """Move the bar of the training."""
        epoch = (step - 1) // self.steps_per_epoch + 1
        self.progress.update(self.task, completed=step, description=f"epoch {epoch}/{self.epochs}")

    @hookimpl
    def step_end(self, step: int, metrics: Mapping[str, float]) -> None:
        """Show loss, score and throughput beside the bar."""
        score, title = self.score
        notes = [
            f"loss {metrics['loss']:.3f}",
            f"{title} {percent(metrics[score])}",
            f"{metrics['images_per_second']:,.0f} images/s",
            f"step {step:,}",
        ]
        self.progress.update(self.task, notes=notes)

    @hookimpl
    def run_end(self, results: Mapping[str, Any]) -> None:
        """Replace the bar by the summary."""
        self._hide()
        self.summary(results)

    def _show(self, label: str, total: int) -> None:
        if self.label != label:
            self._hide()
            self.label, self.task = label, self.progress.add_task(label, total=total, notes=())

    def _hide(self) -> None:
        if self.task is not None:
            self.progress.remove_task(self.task)
        self.label, self.task = "", None
