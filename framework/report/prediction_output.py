"""Predictions as they come: lines where nobody watches, an aligned table with bars and progress on a terminal."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from framework.errors import count
from framework.report.formatting import percent
from framework.report.prediction_text import Form, box_text, one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from framework.inference.predictor import Prediction

BAR = 10
"""Cells of a bar that says 100 %."""
EIGHTHS = " ▏▎▍▌▋▊▉█"
ABSTAINED = "abstained"


class PredictionOutput(ABC):
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


class Lines(PredictionOutput):
    """Plain lines, or lines of JSON."""

    def __init__(self, form: Form, as_json: bool = False) -> None:
        self.say = form.json if as_json else form.line

    def show(self, prediction: Prediction) -> None:
        """At once, for whoever reads along."""
        print(self.say(prediction), flush=True)


class Nothing(PredictionOutput):
    """Where something else has the output."""

    def show(self, prediction: Prediction) -> None:
        """Not at all."""


class Rows(PredictionOutput):
    """A table on a terminal; `names` are some of those to come, for the width of their column."""

    def __init__(self, form: Form, console: Console, names: Sequence[str] = ()) -> None:
        from rich.cells import cell_len

        self.form, self.console = form, console
        output = [*form.classes, *([ABSTAINED] if form.abstain_below is not None else [])]
        self.answer_width = max(map(cell_len, output))
        self.most = max(12, console.width - self.answer_width - BAR - 14)
        longest = max((cell_len(one_line(name)) for name in names), default=0)
        self.name_width = min(self.most, longest + (3 if form.detector is not None else 0))

    def show(self, prediction: Prediction) -> None:
        """A row, no longer than the terminal is wide."""
        self.console.print(self._row(prediction), no_wrap=True, overflow="ellipsis", crop=False)

    def _row(self, prediction: Prediction) -> Text:
        from rich.cells import set_cell_size
        from rich.text import Text

        row = Text(self._name(one_line(prediction.name)))
        ranked = self.form.ranked(prediction)[: self.form.top]
        if not ranked:
            style = "red" if prediction.error is not None else "yellow"
            return row.append(f"  {self.form.problem(prediction)}", style=style)
        abstains = self.form.abstains(prediction)
        row.append(f"  {percent(ranked[0][1]):>7} ")
        row.append(bar(ranked[0][1]), style="yellow" if abstains else "cyan")
        answer = ABSTAINED if abstains else ranked[0][0]
        row.append(f" {set_cell_size(answer, self.answer_width)}", style="yellow" if abstains else "bold")
        rest = "".join(f"  {label} {percent(value)}" for label, value in ranked[not abstains :])
        row.append(rest + (f"  {box_text(prediction)}" if prediction.region else ""), style="dim")
        row.truncate(self.console.width, overflow="ellipsis")
        return row

    def _name(self, name: str) -> str:
        """Padded; of one that is too long the end, which tells it from the others."""
        from rich.cells import cell_len, set_cell_size

        if cell_len(name) > self.most:
            while cell_len(name) >= self.most:
                name = name[1:]
            name = f"…{name}"
        self.name_width = max(self.name_width, cell_len(name))
        return set_cell_size(name, self.name_width)


class Watched(PredictionOutput):
    """Others with a progress bar, on the terminal that shows errors."""

    def __init__(self, output: PredictionOutput, console: Console) -> None:
        from framework.report.progress import progress_bar

        self.output = output
        self.bar = progress_bar(console, redirect_stdout=False, redirect_stderr=False)
        self.task: Any = self.bar.add_task("predicting", total=None, notes=())

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def show(self, prediction: Prediction) -> None:
        """As the others do."""
        self.output.show(prediction)

    def progress(self, done: int, total: int | None) -> None:
        """Move the bar."""
        speed = self.bar.tasks[0].speed
        images = f"{done:,} images" if total is None else f"{done:,} of {count(total, 'image')}"
        notes = [images, f"{speed:,.0f} images/s"] if speed else [images]
        self.bar.update(self.task, completed=done, total=total, notes=notes)


def bar(fraction: float) -> str:
    """`BAR` cells, filled from the left to an eighth of a cell."""
    eighths = round(fraction * BAR * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (EIGHTHS[part] if part else "")).ljust(BAR)


def choose_output(form: Form, as_json: bool, silent: bool, many: bool, names: Sequence[str] = ()) -> PredictionOutput:
    """For this output: `silent` where it has something else, `many` where progress is worth showing."""
    on_terminal, watched = sys.stdout.isatty(), sys.stderr.isatty()
    plain = Nothing() if silent else Lines(form, as_json)
    if on_terminal and (silent or as_json):
        return plain  # a bar among them would only disturb
    if not on_terminal and not (watched and many):
        return plain
    from framework.report.console import plain_console

    console = plain_console(stderr=not on_terminal)
    output = Rows(form, console, names) if on_terminal else plain
    return Watched(output, console) if watched and many else output
