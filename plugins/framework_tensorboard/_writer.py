"""Logs a run as TensorBoard events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from framework import Confusion, Example, RunFolder, confusion_picture, examples_picture, hookimpl, scalars


class EventWriter:
    """Writes to one folder; a resumed run adds a file that replaces the repeated steps."""

    def __init__(self, run: RunFolder, folder: Path, images: int) -> None:
        self.run, self.folder, self.images = run, folder, images
        self.writer: Any = None

    @hookimpl
    def run_start(self, start_step: int) -> None:
        """Open the file; events after the step that training resumes from are purged."""
        self.writer = SummaryWriter(str(self.folder), purge_step=start_step + 1)
        self.writer.add_text("recipe", f"```yaml\n{self.run.recipe.read_text(encoding='utf-8')}```", start_step)

    @hookimpl
    def step_end(self, step: int, metrics: Mapping[str, float]) -> None:
        """Curves by step, under `step/`."""
        self._add(metrics, step, "step/")

    @hookimpl
    def epoch_end(
        self,
        step: int,
        epoch: int,
        metrics: Mapping[str, Any],
        examples: Callable[[int], Sequence[Example]],
        confusion: Callable[[], Confusion],
    ) -> None:
        """Curves by epoch; pictures if weights were saved as the best."""
        self._add({"epoch": epoch, **metrics}, step)
        validation = metrics.get("validation")
        if validation and metrics["kept"]:
            self._picture("confusion", confusion_picture(confusion()), step)
            if self.images:
                self._picture("examples", examples_picture(examples(self.images)), step)
        self.writer.flush()

    @hookimpl
    def run_end(self, results: Mapping[str, Any], confusion: Callable[[], Confusion]) -> None:
        """Final metrics under `final/`, with the recipe as hyperparameters."""
        step = results["steps"]
        final = scalars(results, "final/")
        for summary in hparams(_settings(self.run), final):
            self.writer.file_writer.add_summary(summary)
        self._add(final, step)
        if "test" in results:
            self._picture("final/confusion", confusion_picture(confusion()), step)
        self.writer.close()

    @hookimpl
    def run_stopped(self) -> None:
        """Flush and close the file."""
        if self.writer is not None:
            self.writer.close()

    def _add(self, metrics: Mapping[str, Any], step: int, prefix: str = "") -> None:
        for key, value in scalars(metrics, prefix).items():
            self.writer.add_scalar(key, value, step)

    def _picture(self, tag: str, picture: Any, step: int) -> None:
        self.writer.add_image(tag, np.asarray(picture), step, dataformats="HWC")


def _settings(run: RunFolder) -> dict[str, Any]:
    """The recipe's values in types that TensorBoard accepts."""
    settings = run.settings().items()
    return {key: value if isinstance(value, (bool, int, float, str)) else str(value) for key, value in settings}
