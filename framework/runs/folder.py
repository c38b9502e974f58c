"""The files of a run folder.

recipe.yaml          the resolved recipe: itself a valid recipe
model.json           class names, preprocessing, network
model.safetensors    the selected weights
results.json         metrics of validation and test, and of test without copies of training images
predictions/         logits and names of every image of validation and test, for reports and comparisons
thresholds.json      of a task with thresholds: for each class the logit above which it is predicted
calibration.json     the temperature, after `framework evaluate --calibrate`
metrics.jsonl        a line for each epoch, and step lines
data.json            fingerprint and class counts of each split, images that were skipped or dropped
training_images.safetensors  hashes of the training images, also of those of `train.init_from`
drop.csv, keep.csv   copies of the tables `dataset.drop` and `dataset.keep`
plugins/             copies of the files of `--plugin`: Python code that commands with the run execute
environment.json     command, versions, plugins, device, git commit, and what differed in resumed sessions
report.html          the page of `framework report`
checkpoints/         the last few states to resume from, and the best weights so far
.lock                while a process trains in the folder
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.errors import RunFailed, UserError, did_you_mean
from framework.files import read_json, unicode_text, write_json, write_text


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run's files; reads and writes the small ones."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.yaml"

    @property
    def weights(self) -> Path:
        """The selected weights."""
        return self.path / "model.safetensors"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def best_weights(self) -> Path:
        """The weights of the best epoch so far."""
        return self.checkpoints / "best.safetensors"

    @property
    def metrics(self) -> Path:
        """The log of the training, as JSON lines."""
        return self.path / "metrics.jsonl"

    @property
    def results(self) -> Path:
        """Metrics of validation and test."""
        return self.path / "results.json"

    @property
    def environment(self) -> Path:
        """Command, versions and device of each session."""
        return self.path / "environment.json"

    @property
    def plugins(self) -> Path:
        """The folder of the run's plugin files."""
        return self.path / "plugins"

    @property
    def classifier(self) -> tuple[Path, ...]:
        """The files that together are a classifier in any folder, for uploads."""
        return self.recipe, self.path / "model.json", self.weights, self.results

    def predictions(self, split: str) -> Path:
        """The predictions of a split, for `Predictions.load`."""
        return self.path / "predictions" / f"{split}.safetensors"

    def write_recipe(self, text: str) -> None:
        """Write the resolved recipe."""
        write_text(self.recipe, unicode_text(text))

    def write(self, name: str, content: Any) -> None:
        """Write `name`.json."""
        write_json(self.path / f"{name}.json", content)

    def read(self, name: str) -> Any:
        """Read `name`.json."""
        return read_json(self.path / f"{name}.json")

    def settings(self) -> dict[str, Any]:
        """The resolved recipe, flat: `{"optimizer.lr": 0.1, …}`."""
        from framework.recipe.flat import flat_recipe

        return flat_recipe(self.recipe.read_text(encoding="utf-8"))

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add a line to `metrics.jsonl`."""
        try:
            with self.metrics.open("a", encoding="ascii") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise RunFailed(f"cannot write {self.metrics}: {error.strerror or error}") from None

    def metrics_lines(self) -> Iterator[dict[str, Any]]:
        """The lines of `metrics.jsonl`, without a truncated last line."""
        if not self.metrics.exists():
            return
        for text in self.metrics.read_bytes().splitlines():
            try:
                yield json.loads(text)
            except ValueError:  # invalid JSON or UTF-8
                return

    def rewind_metrics(self, step: int) -> None:
        """Remove the lines after optimizer step `step`, which a resumed run writes again."""
        if not self.metrics.exists():
            return
        kept = [line for line in self.metrics_lines() if line["step"] <= step]
        write_text(self.metrics, "".join(json.dumps(line) + "\n" for line in kept))


def open_run(path: Path) -> RunFolder:
    """The folder of a finished run; raises `UserError` if it is not one, or unfinished."""
    run = RunFolder(path)
    if not path.exists():
        near = [str(other) for other in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"there is no run folder '{path}'{did_you_mean(str(path), near)}")
    if not run.recipe.is_file():
        raise UserError(
            f"'{path}' is not a run folder: it has no recipe.yaml. Start a run with `framework run RECIPE --out {path}`"
        )
    if not run.weights.is_file():
        raise UserError(
            f"the run in '{path}' is unfinished: it has no weights yet. "
            f"Continue it with `framework run {run.recipe} --out {path} --resume`"
        )
    return run
