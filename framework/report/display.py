"""The course of a run in the terminal: live with rich, plain lines where nobody watches, or silent."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from framework.attribution import full_name
from framework.errors import count, have
from framework.evaluation.untested import untested_note
from framework.hookspecs import hookimpl
from framework.report.class_table import class_table
from framework.report.epoch_table import EpochTable
from framework.report.formatting import (
    duration,
    gigabytes,
    share,
    split_rows,
)
from framework.report.wrapping import fitted

if TYPE_CHECKING:
    from framework.runs.folder import RunFolder
    from framework.training.profiling import Profile
    from framework.training.session import Session


class Display(ABC):
    """What a run tells a person; also a callback."""

    def __init__(self) -> None:
        self.epochs = 0
        self.run: RunFolder | None = None

    @property
    def width(self) -> int | None:
        """Maximum length of a line; None: no limit."""
        return None

    @abstractmethod
    def line(self, text: str = "", style: str = "") -> None:
        """One line."""

    def reading(self, split: str, done: int, total: int) -> None:  # noqa: B027 (nothing is the default)
        """Images of a split are being decoded."""

    def tick(self, step: int) -> None:  # noqa: B027
        """An optimizer step is done."""

    def __enter__(self) -> Display:
        return self

    def __exit__(  # noqa: B027
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def begin(self, run: RunFolder, session: Session, step: int) -> None:
        """Everything is built; training goes on from `step`."""
        self.epochs, self.run = -(-session.total_steps // session.batches.steps_per_epoch), run
        for name, value in overview(session):
            self.line(f"{name:>10}  {value}")
        self.line(f"{'folder':>10}  {run.path}")
        self._classes(session)
        for split, store in session.stores.items():
            if store.skipped:
                self.line(
                    f"{'skipped':>10}  {count(len(store.skipped), 'bad image')} of {split}, listed in data.json",
                    "yellow",
                )
        if step:
            self.line(f"{'resumed':>10}  after step {step:,} of {session.total_steps:,}")
        self.line()
        self.table = EpochTable(self.epochs, validated="validation" in session.stores, width=self.width)
        self.line(self.table.row(self.table.titles), "bold")

    def _classes(self, session: Session) -> None:
        """Each class with its images in each split."""
        for text, style in class_table({split: store.class_counts for split, store in session.stores.items()}):
            self.line(text, style)

    def already_finished(self, run: RunFolder, results: Mapping[str, Any]) -> None:
        """There was nothing left to resume."""
        self.run = run
        self.line("The run is finished already.")
        self.summary(results)

    @hookimpl
    def epoch_end(self, epoch: int, metrics: Mapping[str, Any]) -> None:
        """A row of the table."""
        self.line(self.table.row(self.table.cells(epoch, metrics)))

    @hookimpl
    def run_end(self, results: Mapping[str, Any]) -> None:
        """The summary."""
        self.summary(results)

    def summary(self, results: Mapping[str, Any]) -> None:
        """Metrics of validation and test, where they are, what to do next."""
        splits = {name: results[name] for name in ("validation", "test") if name in results}
        self.line()
        if results["stopped"]:
            reasons = {
                "max_time": "train.max_time was reached",
                "patience": "no gain for train.patience epochs",
            }
            self.line(f"Ended early: {reasons[results['stopped']]}.", "yellow")
        if splits:
            self.line(" " * 20 + "".join(f"{name:>12}" for name in splits), "bold")
            for row in split_rows(splits):
                self.line(f"{row[0]:>20}" + "".join(f"{cell:>12}" for cell in row[1:]))
            self.line(f"{'images':>20}" + "".join(f"{split['images']:>12,}" for split in splits.values()), "dim")
            self._untested(splits)
            self._without_copies(results)
        self.line()
        seconds = results["seconds"]
        self.line(
            f"Kept epoch {results['kept']['epoch']} of {results['epochs']}; trained {duration(seconds['train'])} at "
            f"{results['images_per_second']:,.0f} images/s, {duration(seconds['total'])} in all."
        )
        assert self.run is not None
        self.line(f"Everything is in {self.run.path}. Next:")
        self.line(f"    framework evaluate {self.run.path}", "bold")
        self.line(f"    framework report {self.run.path}", "bold")
        self.line(f"    framework predict {self.run.path} IMAGE_OR_FOLDER", "bold")

    def _untested(self, splits: Mapping[str, Any]) -> None:
        """Classes that a split has no images of."""
        for name, metrics in splits.items():
            if note := untested_note(metrics, name):
                self.line(note, "yellow")

    def _without_copies(self, results: Mapping[str, Any]) -> None:
        """How much of the test split was learned."""
        apart = results.get("test_without_copies")
        if apart is None:
            return
        total = results["test"]["images"]
        known = total - apart["images"]
        self.line(f"Of {count(total, 'test image')} {have(known)} an exact copy in train.", "yellow")
        if apart["images"]:
            metrics = ", ".join(f"{name} {value}" for name, value in split_rows({"": apart}))
            self.line(f"Without them: {metrics}.", "yellow")

    def estimated(self, profile: Profile) -> None:
        """What a dry run found."""
        for name, value in overview(profile.session):
            self.line(f"{name:>10}  {value}")
        self._classes(profile.session)
        self.line()
        for stage in profile.stages:
            height, width = stage.size
            steps = f"{count(stage.steps, 'step')} of {count(stage.images, 'image')}"
            self.line(f"{'training':>10}  {steps} at {height}×{width}, {stage.images_per_second:,.0f} images/s")
        self.line(f"{'time':>10}  about {duration(profile.seconds)}, evaluation included")
        self.line(f"{'memory':>10}  {gigabytes(profile.memory)} at its highest")
        self.line("The recipe works; nothing was trained or written.")


class PlainDisplay(Display):
    """A line for everything worth keeping in a log file."""

    def __init__(self) -> None:
        super().__init__()
        self.told = time.perf_counter()

    def line(self, text: str = "", style: str = "") -> None:
        """Wrapped on a terminal, else unchanged."""
        print(fitted(text, sys.stdout), flush=True)

    def reading(self, split: str, done: int, total: int) -> None:
        """Every ten seconds."""
        if time.perf_counter() - self.told > 10:
            self.told = time.perf_counter()
            self.line(f"reading {split}: {done:,} of {count(total, 'image')}")

    @hookimpl
    def step_end(self, step: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Every half minute within an epoch."""
        if time.perf_counter() - self.told > 30:
            self.told = time.perf_counter()
            self.line(
                f"  step {step:,}, epoch {epoch}: loss {metrics['loss']:.3f}, top-1 {share(metrics['top1'])}, "
                f"{metrics['images_per_second']:,.0f} images/s"
            )


class SilentDisplay(Display):
    """Says nothing; for use from Python."""

    def line(self, text: str = "", style: str = "") -> None:
        """Nothing."""

    def summary(self, results: Mapping[str, Any]) -> None:
        """Nothing."""


def choose_display() -> Display:
    """Live on a terminal, plain lines otherwise."""
    if not sys.stdout.isatty():
        return PlainDisplay()
    from framework.report.live import LiveDisplay

    return LiveDisplay()


def overview(session: Session) -> list[tuple[str, str]]:
    """What is about to be trained on what, in a few lines."""
    from framework.device import describe_device

    recipe, preprocess = session.recipe, session.preprocess
    splits = ", ".join(f"{name} {len(store):,}" for name, store in session.stores.items())
    classes = count(len(session.stores["train"].classes), "class", "classes")
    parameters = sum(parameter.numel() for parameter in session.model.parameters())
    size = f"{preprocess.channels}×{preprocess.height}×{preprocess.width}"
    if recipe.train.progressive_resize is not None:
        sizes = session.batches.image_sizes
        size += f", growing from {sizes.start}" if sizes else " throughout: this network takes no smaller images"
    precision = str(session.precision.dtype).removeprefix("torch.")
    return [
        (
            "dataset",
            f"{recipe.dataset.name}: {splits} images of {classes}",
        ),
        (
            "input",
            f"{size}; batches of {recipe.train.batch_size}",
        ),
        (
            "model",
            f"{full_name(recipe.model)}, {count(parameters, 'parameter')}",
        ),
        ("store", _whereabouts(session)),
        (
            "training",
            f"{full_name(recipe.optimizer)}, {full_name(recipe.scheduler)}, {count(session.total_steps, 'step')}",
        ),
        ("device", f"{describe_device(session.device)}, {precision}"),
    ]


def _whereabouts(session: Session) -> str:
    """Where the decoded images are, and who decoded them."""
    words = {"device": f"on {session.device}", "memory": "in memory", "disk": "on the disk", "stream": "streamed"}
    where: dict[str, list[str]] = {}
    for split, store in session.stores.items():
        text = words[store.pixels.place] + (", decoded by an earlier run" if store.reused else "")
        where.setdefault(text, []).append(split)
    return next(iter(where)) if len(where) == 1 else "; ".join(f"{', '.join(of)} {text}" for text, of in where.items())
