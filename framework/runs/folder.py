"""What is in a run folder, and where.

recipe.yaml          the resolved recipe: itself a valid recipe
model.json           class names, preprocessing, network: what turns weights into a classifier
model.safetensors    the weights that were kept
results.json         every figure of validation and test, and of test images without a copy in train
predictions/             logits and names of every image of validation and test, for reports and comparisons
calibration.json     the temperature of `framework evaluate --calibrate`, once that was called
metrics.jsonl        a line for each epoch, and step lines
data.json            fingerprint and class counts of each split, images that were skipped or dropped
training_images.safetensors  hashes of the training images, also of those of `train.init_from`
drop.csv, keep.csv   the tables of `dataset.drop` and `dataset.keep`, as they were
plugins/             the files of `--plugin`, as they were: Python code that commands with the run execute
environment.json     command, versions, plugins, device, git commit of the start, and what differed in resumed sessions
report.html          the page of `framework report`, once that was called
checkpoints/         the last few states to resume from, and the best weights so far
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
    """The paths of a run and its small files."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.yaml"

    @property
    def weights(self) -> Path:
        """The weights that were kept."""
        return self.path / "model.safetensors"

    @property
    def checkpoints(self) -> Path:
        """The folder of states to resume from."""
        return self.path / "checkpoints"

    @property
    def best_weights(self) -> Path:
        """The weights of the best epoch so far."""
        return self.checkpoints / "best.safetensors"

    @property
    def metrics(self) -> Path:
        """The lines of the training's course."""
        return self.path / "metrics.jsonl"

    @property
    def results(self) -> Path:
        """Every figure of validation and test."""
        return self.path / "results.json"

    @property
    def environment(self) -> Path:
        """Command, versions and device of the run's sessions."""
        return self.path / "environment.json"

    @property
    def plugins(self) -> Path:
        """The folder of the run's plugin files."""
        return self.path / "plugins"

    @property
    def classifier(self) -> tuple[Path, ...]:
        """The files that make a classifier again, in whatever folder they are put together: what a tracker uploads."""
        return self.recipe, self.path / "model.json", self.weights, self.results

    def predictions(self, split: str) -> Path:
        """What the network said of every image of a split, as `Predictions` reads it."""
        return self.path / "predictions" / f"{split}.safetensors"

    def write_recipe(self, text: str) -> None:
        """Keep the resolved recipe."""
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
        """The lines of `metrics.jsonl`; a last line that a kill cut short is left out."""
        if not self.metrics.exists():
            return
        for text in self.metrics.read_bytes().splitlines():
            try:
                yield json.loads(text)
            except ValueError:  # no JSON, or no UTF-8
                return

    def rewind_metrics(self, step: int) -> None:
        """Forget what was written after optimizer step `step`: a resumed run writes it again."""
        if not self.metrics.exists():
            return
        kept = [line for line in self.metrics_lines() if line["step"] <= step]
        write_text(self.metrics, "".join(json.dumps(line) + "\n" for line in kept))


def open_run(path: Path) -> RunFolder:
    """The folder of a run that was trained; raises `UserError` where it is none, or not finished."""
    run = RunFolder(path)
    if not path.exists():
        near = [str(other) for other in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"there is no run folder '{path}'{did_you_mean(str(path), near)}")
    if not run.recipe.is_file():
        raise UserError(
            f"'{path}' is not a run folder: it has no recipe.yaml. `framework run RECIPE --out {path}` makes one"
        )
    if not run.weights.is_file():
        raise UserError(
            f"the run in '{path}' is not finished: it has no weights yet. "
            f"Go on with `framework run {run.recipe} --out {path} --resume`"
        )
    return run
