"""What all displays print of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from framework.errors import count, have
from framework.evaluation.untested import untested_note
from framework.hookspecs import hookimpl
from framework.registry import default_task
from framework.report.class_table import class_table
from framework.report.epoch_table import EpochTable
from framework.report.formatting import duration, formats_of, gigabytes, metric_rows
from framework.report.overview import overview

if TYPE_CHECKING:
    from framework.components import Metric, Task
    from framework.recipe.sections import Recipe
    from framework.runs.folder import RunFolder
    from framework.training.profiling import Profile
    from framework.training.session import Session

STOPPED = {"max_time": "train.max_time is over", "patience": "no improvement for train.patience epochs"}


class Display(ABC):
    """The output of a run; registered with its callbacks for `epoch_end` and `run_end`."""

    def __init__(self) -> None:
        self.epochs = 0
        self.run: RunFolder | None = None
        self._show_metrics_of(default_task())

    @property
    def width(self) -> int | None:
        """Maximum length of a line; None: no limit."""
        return None

    @abstractmethod
    def line(self, text: str = "", style: str = "") -> None:
        """Print one line; `style` is one of rich's, such as `yellow`."""

    def reading(self, split: str, done: int, total: int) -> None:  # noqa: B027 (optional)
        """Show that `done` of the `total` images of a split are decoded."""

    def tick(self, step: int) -> None:  # noqa: B027
        """Show that an optimizer step is done."""

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the terminal."""

    def _show_metrics_of(self, task: Task, metrics: Sequence[Metric] = ()) -> None:
        """Set how metrics are displayed, and the name and title of the one on training batches."""
        self.formats = formats_of(task, metrics)
        self.score = task.training_metric, task.metric_formats[task.training_metric].title

    def begin(self, run: RunFolder, session: Session, step: int) -> None:
        """Print the overview and the head of the table of epochs; training continues after `step`."""
        self.epochs, self.run = -(-session.total_steps // session.batches.steps_per_epoch), run
        metrics, task = session.recipe.metrics, session.recipe.task
        self._show_metrics_of(task, metrics)
        self._overview(session, folder=str(run.path))
        for split, store in session.stores.items():
            if store.skipped:
                images = count(len(store.skipped), "unreadable image")
                self.line(f"{'skipped':>10}  {images} of {split}, listed in data.json", "yellow")
        if step:
            self.line(f"{'resumed':>10}  after step {step:,} of {session.total_steps:,}")
        self.line()
        validated = "validation" in session.stores
        self.table = EpochTable(self.epochs, validated=validated, width=self.width, metrics=metrics, task=task)
        self.line(self.table.row(self.table.titles), "bold")

    def _overview(self, session: Session, **more: str) -> None:
        for name, value in [*overview(session), *more.items()]:
            self.line(f"{name:>10}  {value}")
        for text, style in class_table({split: store.class_counts for split, store in session.stores.items()}):
            self.line(text, style)

    def already_finished(self, run: RunFolder, recipe: Recipe, results: Mapping[str, Any]) -> None:
        """Print the summary of a run that cannot be resumed because it is finished."""
        self.run, self.formats = run, formats_of(recipe.task, recipe.metrics)
        self.line("The run is already finished.")
        self.summary(results)

    @hookimpl
    def epoch_end(self, epoch: int, metrics: Mapping[str, Any]) -> None:
        """Print a row of the table."""
        self.line(self.table.row(self.table.cells(epoch, metrics)))

    @hookimpl
    def run_end(self, results: Mapping[str, Any]) -> None:
        """Print the summary."""
        self.summary(results)

    def summary(self, results: Mapping[str, Any]) -> None:
        """Print the metrics of validation and test, and the next commands."""
        splits = {name: results[name] for name in ("validation", "test") if name in results}
        self.line()
        if results["stopped"]:
            self.line(f"Stopped early: {STOPPED[results['stopped']]}.", "yellow")
        if splits:
            self._metrics(splits)
            self._without_copies(results)
        self.line()
        seconds = results["seconds"]
        self.line(
            f"Saved the weights of epoch {results['kept']['epoch']} of {results['epochs']}. Training took "
            f"{duration(seconds['train'])} ({results['images_per_second']:,.0f} images/s), the run "
            f"{duration(seconds['total'])}."
        )
        assert self.run is not None
        self.line(f"The run is in {self.run.path}. Next:")
        for command in ("evaluate {}", "report {}", "predict {} IMAGE_OR_FOLDER"):
            self.line(f"    framework {command.format(self.run.path)}", "bold")

    def _metrics(self, splits: Mapping[str, Any]) -> None:
        self.line(" " * 20 + "".join(f"{name:>12}" for name in splits), "bold")
        for name, *cells in metric_rows(splits, self.formats):
            self.line(f"{name:>20}" + "".join(f"{cell:>12}" for cell in cells))
        self.line(f"{'images':>20}" + "".join(f"{split['images']:>12,}" for split in splits.values()), "dim")
        for name, metrics in splits.items():
            if note := untested_note(metrics, name):
                self.line(note, "yellow")

    def _without_copies(self, results: Mapping[str, Any]) -> None:
        """The test metrics without images that have an exact copy in train."""
        others = results.get("test_without_copies")
        if others is None:
            return
        total = results["test"]["images"]
        copies = total - others["images"]
        self.line(f"Of {count(total, 'test image')} {have(copies)} an exact copy in train.", "yellow")
        if others["images"]:
            metrics = ", ".join(f"{name} {value}" for name, value in metric_rows({"": others}, self.formats))
            self.line(f"Without them: {metrics}.", "yellow")

    def estimated(self, profile: Profile) -> None:
        """Print the result of a dry run."""
        self._overview(profile.session)
        self.line()
        for size in profile.sizes:
            height, width = size.image_size
            steps = f"{count(size.steps, 'step')} of {count(size.images, 'image')}"
            self.line(f"{'training':>10}  {steps} at {height}×{width}, {size.images_per_second:,.0f} images/s")
        self.line(f"{'time':>10}  about {duration(profile.seconds)}, including evaluation")
        self.line(f"{'memory':>10}  {gigabytes(profile.memory)} at its peak")
        self.line("The recipe works. Nothing was trained or written.")
