"""Checks of callbacks."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch

from framework.attribution import ComponentFault, reason_of
from framework.components import Callback
from framework.errors import Interrupted, UserError
from framework.evaluation.predictions import Predictions
from framework.hookspecs import Example
from framework.runs.folder import RunFolder
from framework.testing.check import Check, CheckFailed, CheckSkipped, Subject
from framework.training.callbacks import Callbacks, RunDisplay

STEPS_PER_EPOCH, EPOCHS = 2, 2
RESULTS = {
    "kept": {"epoch": 2, "step": 4}, "stopped": None, "parameters": 10, "multiply_adds": 100,
    "seconds": {"train": 2.0, "total": 3.0}, "images_per_second": 100.0, "peak_memory_bytes": None,
}  # fmt: skip
"""The entries of `results.json` besides metrics, epochs and steps."""
RECIPE = "seed: 0\nmodel: {name: resnet18}\ntrain: {epochs: 2, batch_size: 8}\n"


class _Display:
    """Records the lines that callbacks print: faults that do not stop a run."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tick(self, step: int) -> None:
        """Do nothing."""

    def line(self, text: str = "", style: str = "") -> None:
        """Record the line of a fault."""
        if " failed in " in text:
            self.lines.append(text.strip().partition("; the run continues")[0])


def hooks(subject: Subject) -> None:
    """build() returns an object whose marked methods are hooks."""
    with _run() as run:
        _callbacks(subject, run)


def events(subject: Subject) -> None:
    """No hook raises in a short run."""
    with _run() as run:
        _train(subject, run, 0, EPOCHS)


def resume(subject: Subject) -> None:
    """No hook raises in a run that is stopped and resumed in the same folder."""
    with _run() as run:
        _train(subject, run, 0, 1)
        _train(subject, run, STEPS_PER_EPOCH, EPOCHS)


@contextlib.contextmanager
def _run() -> Iterator[RunFolder]:
    """The folder of a run that has started; relative paths are in its parent."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run = RunFolder(Path(folder) / "run")
        run.path.mkdir()
        run.write_recipe(RECIPE)
        os.chdir(folder)
        try:
            yield run
        finally:
            os.chdir(before)


def _callbacks(subject: Subject, run: RunFolder) -> tuple[Callbacks, _Display]:
    display = _Display()
    return Callbacks([cast("Callback", subject.component)], run, cast("RunDisplay", display)), display


def _train(subject: Subject, run: RunFolder, first: int, epochs: int) -> None:
    """Call all hooks as a run does, from optimizer step `first` to the end of epoch `epochs`."""
    try:
        callbacks, display = _callbacks(subject, run)
    except ComponentFault as error:
        raise CheckSkipped("it cannot be built, see check 'hooks'") from error
    predictions = _predictions(subject.classes)
    metrics = predictions.metrics()
    shown = {"examples": lambda number: _examples(subject.classes)[:number], "confusion": predictions.confusion}
    total = EPOCHS * STEPS_PER_EPOCH
    _start(subject, callbacks, total_steps=total, start_step=first, epochs=EPOCHS, steps_per_epoch=STEPS_PER_EPOCH)
    for step in range(first + 1, epochs * STEPS_PER_EPOCH + 1):
        at = {"step": step, "epoch": (step - 1) // STEPS_PER_EPOCH + 1}
        means = {"loss": 1 / step, "top1": 0.5}
        logged = {**means, "lr": 0.1, "images_per_second": 100.0}
        run.append_metrics({"event": "step", **at, **logged})
        _call(callbacks.step_end, "step_end", **at, metrics=logged)
        if step % STEPS_PER_EPOCH == 0:
            rates = {"lr": 0.1, "seconds": 1.0, "images_per_second": 100.0}
            ended = {"train": means, "validation": metrics, **rates, "kept": True}
            run.append_metrics({"event": "epoch", **at, **ended})
            _call(callbacks.epoch_end, "epoch_end", **at, metrics=ended, **shown)
    if epochs == EPOCHS:
        results = {"validation": metrics, "test": metrics, "epochs": EPOCHS, "steps": total, **RESULTS}
        run.write("results", results)
        _call(callbacks.run_end, "run_end", results=results, **shown)
    else:
        _call(callbacks.run_stopped, "run_stopped", error=Interrupted("interrupted"))
    if display.lines:
        raise CheckFailed(display.lines[0])


def _start(subject: Subject, callbacks: Callbacks, **arguments: int) -> None:
    try:
        callbacks.run_start(**arguments)
    except UserError as error:
        if cast("Callback", subject.component).essential:
            raise
        raise CheckSkipped(str(error).partition("\n")[0]) from error  # such as a server that cannot be reached


def _call(hook: Any, name: str, **arguments: Any) -> None:
    try:
        hook(**arguments)
    except UserError as error:
        raise CheckFailed(str(error).partition("\n")[0]) from error
    except Exception as error:
        raise CheckFailed(f"{name} raised {reason_of(error)}") from error


def _examples(classes: tuple[str, ...]) -> list[Example]:
    """A gray and an RGB image, one with a correct prediction."""
    images = (torch.zeros(1, 8, 8, dtype=torch.uint8), torch.full((3, 8, 6), 200, dtype=torch.uint8))
    return [Example(f"{index}.png", image, classes[0], classes[index], 0.5) for index, image in enumerate(images)]


def _predictions(classes: tuple[str, ...]) -> Predictions:
    """For 12 images."""
    labels = torch.arange(12) % len(classes)
    logits = torch.randn(12, len(classes), generator=torch.Generator().manual_seed(0))
    return Predictions(classes, tuple(f"{index}.png" for index in range(12)), labels, logits)


CHECKS = (
    Check(
        "hooks", "build() returns an object whose methods, marked with @hookimpl, are hooks of CallbackSpec.",
        "Correct the name or the arguments of the method; docs/writing-a-plugin.md lists the hooks.", hooks,
    ),
    Check(
        "events", "No hook raises an exception in a run.",
        "Correct the hook; gray and RGB examples and a confusion matrix are given, as in training.", events,
    ),
    Check(
        "resume", "No hook raises an exception when a run is stopped and resumed in the same folder.",
        "Accept files that an earlier session of the run has written, and a start_step above 0.", resume,
    ),
)  # fmt: skip
