"""Predictions on the terminal: plain lines, or an aligned table with bars and progress."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from framework.errors import count
from framework.report.formatting import percent
from framework.report.prediction_text import NONE, PredictionFormat, one_line, region_text
from framework.report.wrapping import wrapped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from framework.inference.predictor import Prediction

BAR = 10
"""Cells of a bar for 100 %."""
EIGHTHS = " ▏▎▍▌▋▊▉█"
ABSTAINED = "abstained"


class PredictionOutput(ABC):
    """Shows predictions."""

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027 (optional)
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the terminal."""

    @abstractmethod
    def show(self, prediction: Prediction) -> None:
        """Show one prediction."""

    def progress(self, done: int, total: int | None) -> None:  # noqa: B027
        """Show the number of finished images; `total` is None while it is unknown."""


class LineOutput(PredictionOutput):
    """Lines of text or JSON."""

    def __init__(self, form: PredictionFormat, as_json: bool = False) -> None:
        self.format = form.json if as_json else form.line

    def show(self, prediction: Prediction) -> None:
        """Printed without buffering."""
        print(self.format(prediction), flush=True)


class NoOutput(PredictionOutput):
    """Shows nothing."""

    def show(self, prediction: Prediction) -> None:
        """Nothing."""


class TableOutput(PredictionOutput):
    """A table on a terminal; the first `names` set the width of the name column."""

    def __init__(self, form: PredictionFormat, console: Console, names: Sequence[str] = ()) -> None:
        from rich.cells import cell_len

        self.form, self.console = form, console
        classes = [*form.classes, *([ABSTAINED] if form.abstain_below is not None else [])]
        if not form.task.decide([0.0] * len(form.classes), form.classes, None):
            classes.append(NONE)
        self.class_width = max(map(cell_len, classes))
        self.most = max(12, console.width - self.class_width - BAR - 14)
        longest = max((cell_len(one_line(name)) for name in names), default=0)
        self.name_width = min(self.most, longest + (3 if form.detector is not None else 0))

    def show(self, prediction: Prediction) -> None:
        """Print a row of at most the width of the terminal; a message is wrapped instead of cut."""
        from rich.text import Text

        if not prediction.probabilities:
            style = "red" if prediction.error is not None else "yellow"
            text = wrapped(self.form.line(prediction), self.console.width, indent=4)
            self.console.print(Text(text), style=style, soft_wrap=True)
            return
        self.console.print(self._row(prediction), no_wrap=True, overflow="ellipsis", crop=False)

    def _row(self, prediction: Prediction) -> Text:
        from rich.cells import set_cell_size
        from rich.text import Text

        row = Text(self._name(one_line(prediction.name)))
        chosen, others = self.form.shown(prediction)
        first = [*chosen, *others][0][1]
        label = ABSTAINED if self.form.abstains(prediction) else chosen[0][0] if chosen else NONE
        decides = bool(chosen) and label != ABSTAINED
        row.append(f"  {percent(first):>7} ")
        row.append(bar(first), style="cyan" if decides else "yellow")
        row.append(f" {set_cell_size(label, self.class_width)}", style="bold" if decides else "yellow")
        if not decides:
            chosen, others = [], [*chosen, *others]
        for label, value in chosen[1:]:
            row.append(f"  {label}", style="bold")
            row.append(f" {percent(value)}")
        rest = "".join(f"  {label} {percent(value)}" for label, value in others)
        row.append(rest + (f"  {region_text(prediction)}" if prediction.region else ""), style="dim")
        row.truncate(self.console.width, overflow="ellipsis")
        return row

    def _name(self, name: str) -> str:
        """Padded; of a long name the end is shown, which differs between files of a folder."""
        from rich.cells import cell_len, set_cell_size

        if cell_len(name) > self.most:
            while cell_len(name) >= self.most:
                name = name[1:]
            name = f"…{name}"
        self.name_width = max(self.name_width, cell_len(name))
        return set_cell_size(name, self.name_width)


class ProgressOutput(PredictionOutput):
    """Another output with a progress bar on `console`."""

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
        """Show it in the other output."""
        self.output.show(prediction)

    def progress(self, done: int, total: int | None) -> None:
        """Move the bar."""
        speed = self.bar.tasks[0].speed
        images = f"{done:,} images" if total is None else f"{done:,} of {count(total, 'image')}"
        notes = [images, f"{speed:,.0f} images/s"] if speed else [images]
        self.bar.update(self.task, completed=done, total=total, notes=notes)


def bar(fraction: float) -> str:
    """`BAR` cells, filled from the left to an eighth of a cell."""
    full, part = divmod(round(fraction * BAR * 8), 8)
    return ("█" * full + (EIGHTHS[part] if part else "")).ljust(BAR)


def choose_output(
    form: PredictionFormat, as_json: bool, silent: bool, many: bool, names: Sequence[str] = ()
) -> PredictionOutput:
    """The output for these streams: `silent` shows no predictions, `many` images get a progress bar."""
    to_terminal, errors_to_terminal = sys.stdout.isatty(), sys.stderr.isatty()
    plain = NoOutput() if silent else LineOutput(form, as_json)
    if to_terminal and (silent or as_json):
        return plain  # a progress bar would mix with the output
    if not to_terminal and not (errors_to_terminal and many):
        return plain
    from framework.report.console import plain_console

    console = plain_console(stderr=not to_terminal)
    output = TableOutput(form, console, names) if to_terminal else plain
    return ProgressOutput(output, console) if errors_to_terminal and many else output
