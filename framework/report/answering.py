"""Predictions as they come: lines where nobody watches, an aligned table with bars and progress on a terminal."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from framework.report.figures import share
from framework.report.predictions import Form, box_text, one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from framework.inference.predictor import Prediction

BAR = 10
"""Cells of a bar that says 100 %."""
EIGHTHS = " ▏▎▍▌▋▊▉█"


class Answers(ABC):
    """Where predictions are shown."""

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027 (nothing is the default)
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    @abstractmethod
    def show(self, prediction: Prediction) -> None:
        """One prediction."""

    def progress(self, done: int, total: int | None) -> None:  # noqa: B027
        """So many images are done; `total` is None while nobody knows it."""


class Lines(Answers):
    """Plain lines, or lines of JSON."""

    def __init__(self, form: Form, as_json: bool = False) -> None:
        self.say = form.json if as_json else form.line

    def show(self, prediction: Prediction) -> None:
        """At once, for whoever reads along."""
        print(self.say(prediction), flush=True)


class Nothing(Answers):
    """Where something else has the output."""

    def show(self, prediction: Prediction) -> None:
        """Not at all."""


class Rows(Answers):
    """A table on a terminal of so many columns; it grows as its names do."""

    def __init__(self, form: Form, console: Console) -> None:
        self.form, self.console = form, console
        self.name_width = 12
        self.class_width = max(map(len, form.classes))

    def show(self, prediction: Prediction) -> None:
        """A row, no longer than the terminal is wide."""
        self.console.print(self._row(prediction), no_wrap=True, overflow="ellipsis", crop=False)

    def _row(self, prediction: Prediction) -> Text:
        from rich.text import Text

        row = Text(self._name(one_line(prediction.name)))
        problem = self.form.problem(prediction)
        if problem:
            row.append(f"  {problem}", style="red" if prediction.error is not None else "yellow")
            return row
        (best, probability), *others = self.form.ranked(prediction)[: self.form.top]
        abstains = self.form.abstains(prediction)
        row.append(f"  {share(probability):>7} ")
        row.append(bar(probability), style="yellow" if abstains else "cyan")
        row.append(f" {best:{self.class_width}}", style="yellow" if abstains else "bold")
        row.append("  abstained" if abstains else "", style="yellow")
        rest = "".join(f"  {label} {share(value)}" for label, value in others)
        row.append(rest + (f"  {box_text(prediction)}" if prediction.region else ""), style="dim")
        row.truncate(self.console.width, overflow="ellipsis")
        return row

    def _name(self, name: str) -> str:
        """Padded; of one that is too long the end, which tells it from the others."""
        from rich.cells import cell_len, set_cell_size

        most = max(12, self.console.width - self.class_width - BAR - 14)
        while cell_len(name) > most:
            name = "…" + name[2 if name.startswith("…") else 1 :]
        self.name_width = max(self.name_width, cell_len(name))
        return set_cell_size(name, self.name_width)


class Watched(Answers):
    """Others with a progress bar, on the terminal that shows errors."""

    def __init__(self, answers: Answers, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.answers = answers
        self.bar = Progress(
            TextColumn("[bold]reading"), BarColumn(bar_width=28), TaskProgressColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[note]}", style="cyan"), TextColumn("left"), TimeRemainingColumn(),
            console=console, transient=True, redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        self.task: Any = self.bar.add_task("", total=None, note="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def show(self, prediction: Prediction) -> None:
        """As the others do."""
        self.answers.show(prediction)

    def progress(self, done: int, total: int | None) -> None:
        """Move the bar."""
        of = "" if total is None else f" of {total:,}"
        speed = self.bar.tasks[0].speed
        rate = f", {speed:,.0f} a second" if speed else ""
        self.bar.update(self.task, completed=done, total=total, note=f"{done:,}{of} images{rate}")


def bar(fraction: float) -> str:
    """`BAR` cells, filled from the left to an eighth of a cell."""
    eighths = round(fraction * BAR * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (EIGHTHS[part] if part else "")).ljust(BAR)


def choose_answers(form: Form, as_json: bool, silent: bool, many: bool) -> Answers:
    """For this output: `silent` where it has something else, `many` where progress is worth showing."""
    on_terminal, watched = sys.stdout.isatty(), sys.stderr.isatty()
    if not on_terminal and not (watched and many):
        return Nothing() if silent else Lines(form, as_json)
    from rich.console import Console

    console = Console(highlight=False, stderr=not on_terminal)
    answers: Answers
    if silent:
        answers = Nothing()
    elif as_json or not on_terminal:
        answers = Lines(form, as_json)
    else:
        answers = Rows(form, console)
    return Watched(answers, console) if watched and many and not (on_terminal and (as_json or silent)) else answers
