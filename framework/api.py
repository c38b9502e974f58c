"""Training, evaluation and prediction from Python, with the words of the command line.

Options of a recipe are keyword arguments: `train={"epochs": 3}` or `**{"train.epochs": 3}`. A dict sets the options
that it has; a dict with `name` is a component and replaces its section, as a name alone does (`model="resnet34"`).

Mistakes raise `UserError` with the message of the command line; `RunFailed` and `Interrupted` are subclasses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from framework.recipe.overrides import override_texts
from framework.recipe.sections import Recipe
from framework.registry import Registry
from framework.runs.naming import new_run_path, report_file
from framework.runs.recipe import recipe_to_train
from framework.runs.trained import open_trained

if TYPE_CHECKING:
    from framework.evaluation.predictions import Predictions
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.inference.evaluation import Evaluation
    from framework.inference.inputs import Image
    from framework.inference.predictor import Prediction, Predictor
    from framework.report.comparison import Comparison
    from framework.report.run_display import Display


@dataclass(frozen=True)
class History:
    """The log of a training, for a table or a plot: `pandas.DataFrame(run.history.epochs)`."""

    epochs: tuple[Mapping[str, Any], ...]
    """For each epoch: `epoch`, `step`, `lr`, `seconds`, `train` and `validation` metrics, …"""
    steps: tuple[Mapping[str, Any], ...]
    """For every `train.log_every` steps: `step`, `epoch`, `loss`, the training metric of the task, `lr`, …"""


@final
class Run:
    """A trained network: a run folder, a bundle or an export, as `train` and `load` return it.

    Metrics and predictions that the run saved are read; others are computed from the images of its dataset, and raise
    `UserError` if these are missing. Metrics and logits are those before calibration; `predict` applies it.
    """

    def __init__(self, model: EvaluatedModel, *, progress: bool = True) -> None:
        self._model, self._progress = model, progress
        self._predictor: Predictor | None = None

    @property
    def name(self) -> str:
        """The name of the run folder, bundle or export, without its parent folders."""
        return self._model.trained.name

    @property
    def path(self) -> Path:
        """The run folder, or the file of the bundle or export."""
        trained = self._model.trained
        return trained.folder.path if trained.folder else trained.weights

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of logits and probabilities."""
        return self._model.trained.classes

    @property
    def recipe(self) -> Recipe:
        """The resolved recipe, with the options given to `load`."""
        return self._model.recipe

    @property
    def metrics(self) -> dict[str, Mapping[str, Any]]:
        """The metrics that the run saved, by split: `run.metrics["test"]["top1"]`.

        Fractions, not percent. Splits are `validation`, `test` and `test_without_copies` (without images that have an
        exact copy in train), as far as there are any. Empty if options given to `load` change dataset or evaluation:
        use `framework.evaluate`.
        """
        splits = self._model.trained.documents.get("results", {})
        return {split: metrics for split in splits if (metrics := self._model.saved_metrics(split)) is not None}

    @property
    def history(self) -> History:
        """The epochs and steps of the training; empty for bundles and exports."""
        folder = self._model.trained.folder
        lines: dict[str, list[dict[str, Any]]] = {"epoch": [], "step": []}
        for line in folder.metrics_lines() if folder else ():
            lines[line.pop("event")].append(line)
        return History(tuple(lines["epoch"]), tuple(lines["step"]))

    @property
    def predictor(self) -> Predictor:
        """The network with its preprocessing; its `predict` yields one prediction at a time, for endless input."""
        from framework.inference.predictor import Predictor

        if self._predictor is None:
            model = self._model
            self._predictor = model.predictor if model.overrides else Predictor.open(model.trained, model.registry)
        return self._predictor

    def predictions(self, split: str) -> Predictions:
        """Logits and labels of every image of a split, with names: saved ones, else computed."""
        with self._evaluated() as model:
            return model.predictions(split)

    def predict(
        self, images: Image | Iterable[Image], *, detect: str | None = None, batch_size: int | None = None
    ) -> list[Prediction]:
        """Classify one image or many, in order: `run.predict("face.jpg")[0].label`.

        An image is a path, an image file's bytes, a PIL image, a uint8 array H×W or H×W×C, a uint8 tensor C×H×W, or a
        pair of a name and one of these; anything else raises `TypeError`. An unreadable image gives a prediction with
        `error`, whose `label` raises `UserError`. With `detect`, the name of a detector with options, such as
        `"faces margin=0.2"`, there is a prediction for each detected region. Without it, the detector that the bundle
        names is used, if it names one; `"none"` classifies whole images.
        """
        from framework.inference.detection import open_detector

        find = open_detector(detect, self._model.trained, self._model.registry)
        return list(self.predictor.with_batch_size(batch_size).predict(images, find))

    def report(self, path: str | Path | None = None, *, split: str | None = None) -> Path:
        """Write the HTML report (default: `report.html` in the run folder) and return its path.

        The split is `test` by default, else `validation`. Parts for which data is missing are left out, and the page
        says why.
        """
        from framework.files import require_writable
        from framework.report.run_page import write_report

        out = report_file(self._model.trained) if path is None else Path(path)
        require_writable(out, "--out")
        with self._evaluated() as model:
            write_report(model, out, split)
        return out

    def export(
        self,
        path: str | Path | None = None,
        format: str | None = None,  # noqa: A002 (the option's name)
        *,
        int8: bool = False,
        parity: int | None = None,
        parity_on: str | None = None,
    ) -> Path:
        """Export by an exporter, such as `onnx` (default), `pt2`, `bundle` or `onnx opset=20`, and return the file.

        Without `path` the file is beside the run folder; without `format` its suffix decides. The file's predictions
        are compared with the run's on up to `parity` images (default 5,000; 0: no comparison) of the split or folder
        `parity_on`; `RunFailed` is raised if they differ. `int8` also writes a quantised ONNX file.
        """
        from framework.export.target import MAX_IMAGES, find_target
        from framework.export.work import Work

        trained, number = self._model.trained, MAX_IMAGES if parity is None else parity
        target = find_target(trained, self._model.registry, format, None if path is None else Path(path), int8=int8)
        target.require_images(number)
        work = Work.prepare(trained, self._model.registry, self.recipe, target.exporter, number, parity_on)
        work.export(target.file, int8, lambda text: None)
        return target.file

    def __repr__(self) -> str:
        return f"Run({self._model.trained.label!r})"

    def _reopen(self) -> None:
        """Read the documents of the run again, after a calibration."""
        model = self._model
        self._model = replace(model, trained=open_trained(model.trained.label, model.registry))
        self._predictor = None

    @contextmanager
    def _evaluated(self) -> Iterator[EvaluatedModel]:
        """The model, with progress of decoding."""
        with _display(self._progress) as display:
            yield replace(self._model, reading=display.reading)


def train(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    /,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    plugin: str | Path | Sequence[str | Path] = (),
    **options: Any,
) -> Run:
    """Train a network by a recipe, evaluate it, and return the run: `train("fer2013_resnet18", dataset="drawn_faces")`.

    The recipe is a shipped one's name, a YAML file, a dict or a `Recipe`; `options` change it. `out` is the run folder
    (default: `runs/RECIPE-N`). With `resume`, training continues from the last checkpoint in `out`. `progress=False`
    prints nothing. `plugin` is a Python file with components, or several.

    Raises `UserError` for mistakes, before anything is trained; `RunFailed` if the loss is not finite; `Interrupted`
    after Ctrl+C or an interrupt of the kernel, when a checkpoint is written.
    """
    folder = None if out is None else Path(out)
    resolved, registry = recipe_to_train(recipe, _registry(plugin), override_texts(options), folder, resume=resume)
    from framework.training.run import run_recipe

    folder = folder or new_run_path(str(recipe) if isinstance(recipe, (str, Path)) else "run")
    with _display(progress) as display:
        run_recipe(resolved, registry, folder, display, resume=resume)
    return _open(folder, registry, (), progress)


def load(
    named: str | Path, /, *, progress: bool = True, plugin: str | Path | Sequence[str | Path] = (), **options: Any
) -> Run:
    """Open a run folder, a bundle or an export by its path, or a plugin's bundle by its name: `load("drawn/faces")`.

    `options` change the recipe as far as that is possible after training: `dataset={"root": "DIR"}`,
    `evaluate={"tta": 2}`, `train={"device": "cpu"}`. Raises `UserError` if there is no such network, if it is
    unfinished or damaged, or if a plugin that it needs is missing.
    """
    return _open(named, _registry(plugin), override_texts(options), progress)


def evaluate(
    model: Run | str | Path | Sequence[Run | str | Path],
    folder: str | Path | None = None,
    /,
    *,
    split: str | None = None,
    only: str | Path | None = None,
    without_copies: bool = False,
    batch_size: int | None = None,
    tta: int | None = None,
    calibrate: bool = False,
    progress: bool = True,
    plugin: str | Path | Sequence[str | Path] = (),
    **options: Any,
) -> Evaluation:
    """Evaluate a network on a folder with one subfolder of images per class, or on a split of its dataset.

    Several networks are an ensemble: their probabilities are averaged. Without `folder` and `split`, the split is
    `test`, else `validation`. `only` is a CSV file with the images to use; `without_copies` leaves out images that have
    an exact copy in train; `tta` is the number of views for test-time augmentation. `calibrate` first fits a
    temperature on the validation split and saves it in the run folder, for all later predictions. `options` as for
    `load`.
    """
    from framework.errors import UserError
    from framework.inference.evaluation import evaluate as evaluate_models

    if folder is not None and split is not None:
        raise UserError("--folder and --split exclude each other; give one of them")
    runs = [model] if isinstance(model, (Run, str, Path)) else model
    if tta is not None:
        options["evaluate.tta"] = tta
    with _models(runs, _registry(plugin), options, progress) as (models, display):
        evaluation = evaluate_models(
            models, display, split=split, folder=_path(folder), only=_path(only), without_copies=without_copies,
            batch_size=batch_size, calibrate=calibrate,
        )  # fmt: skip
    if calibrate and isinstance(model, Run):
        model._reopen()
    return evaluation


def compare(
    runs: Sequence[Run | str | Path],
    /,
    *,
    split: str | None = None,
    html: str | Path | None = None,
    progress: bool = True,
    plugin: str | Path | Sequence[str | Path] = (),
    **options: Any,
) -> Comparison:
    """Compare runs with the first one: metrics, significance tests, differences of the recipes.

    `print` shows the tables of the command line; `html` is a file to write a page to. The split is `test` by default,
    else `validation`. `options` as for `load`. Raises `UserError` if the runs cannot be compared.
    """
    from framework.files import require_writable, write_text
    from framework.report.comparison import compare as compare_models
    from framework.report.comparison_page import comparison_page

    if html is not None:
        require_writable(Path(html), "--html")
    with _models(runs, _registry(plugin), options, progress) as (models, _):
        comparison = compare_models(models, split)
    if html is not None:
        write_text(Path(html), comparison_page(comparison))
    return comparison


@contextmanager
def _models(
    runs: Sequence[Run | str | Path], registry: Registry, options: Mapping[str, Any], progress: bool
) -> Iterator[tuple[list[EvaluatedModel], Display]]:
    """The networks with further options, and the display that they report the progress of decoding to."""
    overrides = override_texts(options)
    opened = [run if isinstance(run, Run) else _open(run, registry, (), progress) for run in runs]
    with _display(progress) as display:
        models = [run._model for run in opened]
        yield (
            [replace(model, overrides=[*model.overrides, *overrides], reading=display.reading) for model in models],
            display,
        )


def _open(named: str | Path, registry: Registry, overrides: Sequence[str], progress: bool) -> Run:
    from framework.inference.evaluated_model import EvaluatedModel

    model = EvaluatedModel(open_trained(named, registry), registry, overrides)
    if overrides:
        _ = model.recipe  # raises for wrong options
    return Run(model, progress=progress)


def _registry(plugin: str | Path | Sequence[str | Path]) -> Registry:
    return Registry.load(map(Path, [plugin] if isinstance(plugin, (str, Path)) else plugin))


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _display(progress: bool) -> Display:
    from framework.report.display import SilentDisplay, choose_display

    return choose_display() if progress else SilentDisplay()
