"""An image-classification framework: one YAML recipe in, a trained and trustworthy classifier out.

`train`, `load`, `evaluate` and `compare` do what the commands of these names do. Most other names are for plugins:
`from framework import Model, hookimpl`. All are imported on first use, so that `import framework` is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.api import Run, compare, evaluate, load, train
    from framework.components import (
        Callback,
        Dataset,
        Detector,
        ExportedFile,
        Exporter,
        ImageSource,
        Loss,
        Method,
        Metric,
        Model,
        Optimizer,
        Scheduler,
        Transform,
        build,
        names_argument,
    )
    from framework.data.batches import MicroBatch
    from framework.data.csv_table import read_table
    from framework.data.decode import BadImage, decode
    from framework.data.folders import class_tree, holds_images, list_folder
    from framework.data.joined import Joined
    from framework.data.preprocess import Normalization, rgb_to_gray
    from framework.data.regions import Region
    from framework.data.rng import BatchPosition, BatchRNG
    from framework.data.roots import expand_home, find_data
    from framework.data.sources import ImageArrays, ImageFiles, Splits
    from framework.data.stamps import Stamps
    from framework.data.unicode_names import existing_path, nfc
    from framework.errors import Interrupted, RunFailed, UserError, did_you_mean
    from framework.evaluation.confusion import Confusion
    from framework.evaluation.predictions import Predictions
    from framework.export.formats import Export
    from framework.files import replace_atomically
    from framework.hookspecs import Command, Example, hookimpl
    from framework.inference.evaluation import Evaluation
    from framework.inference.predictor import Prediction, Predictor
    from framework.reach import unreachable
    from framework.recipe import Recipe
    from framework.registry import Registry
    from framework.report.bitmaps import confusion_picture, examples_picture
    from framework.report.comparison import Comparison
    from framework.report.formatting import scalars
    from framework.runs.folder import RunFolder
    from framework.training.decay import undecayed
    from framework.training.stages import stages_of
    from framework.training.training_step import TrainingStep

_HOMES = {
    "framework.api": ("Run", "compare", "evaluate", "load", "train"),
    "framework.components": (
        "Dataset", "Detector", "ExportedFile", "Exporter", "ImageSource", "Loss", "Method", "Metric", "Model",
        "Callback", "Optimizer", "Scheduler", "Transform", "build", "names_argument",
    ),
    "framework.data.batches": ("MicroBatch",),
    "framework.data.csv_table": ("read_table",),
    "framework.data.decode": ("BadImage", "decode"),
    "framework.data.joined": ("Joined",),
    "framework.data.preprocess": ("Normalization", "rgb_to_gray"),
    "framework.data.regions": ("Region",),
    "framework.data.rng": ("BatchPosition", "BatchRNG"),
    "framework.data.roots": ("expand_home", "find_data"),
    "framework.data.sources": ("ImageArrays", "ImageFiles", "Splits"),
    "framework.data.stamps": ("Stamps",),
    "framework.data.folders": ("class_tree", "holds_images", "list_folder"),
    "framework.data.unicode_names": ("existing_path", "nfc"),
    "framework.errors": ("Interrupted", "RunFailed", "UserError", "did_you_mean"),
    "framework.evaluation.confusion": ("Confusion",),
    "framework.evaluation.predictions": ("Predictions",),
    "framework.export.formats": ("Export",),
    "framework.files": ("replace_atomically",),
    "framework.hookspecs": ("Command", "Example", "hookimpl"),
    "framework.inference.evaluation": ("Evaluation",),
    "framework.inference.predictor": ("Prediction", "Predictor"),
    "framework.reach": ("unreachable",),
    "framework.recipe": ("Recipe",),
    "framework.registry": ("Registry",),
    "framework.report.formatting": ("scalars",),
    "framework.report.bitmaps": ("confusion_picture", "examples_picture"),
    "framework.report.comparison": ("Comparison",),
    "framework.runs.folder": ("RunFolder",),
    "framework.training.decay": ("undecayed",),
    "framework.training.stages": ("stages_of",),
    "framework.training.training_step": ("TrainingStep",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_RENAMED = {"Observer": "Callback", "Finder": "Detector"}

__all__ = [
    "BadImage", "BatchPosition", "BatchRNG", "Callback", "Command", "Comparison", "Confusion", "Dataset",
    "Detector", "Evaluation", "Example", "Export", "ExportedFile", "Exporter", "ImageArrays", "ImageFiles",
    "ImageSource", "Interrupted", "Joined", "Loss", "Method", "Metric", "MicroBatch", "Model", "Normalization",
    "Optimizer", "Prediction", "Predictions", "Predictor", "Recipe", "Region", "Registry", "Run", "RunFailed",
    "RunFolder", "Scheduler", "Splits", "Stamps", "TrainingStep", "Transform", "UserError", "build", "class_tree",
    "compare", "confusion_picture", "decode",
    "did_you_mean", "evaluate", "examples_picture", "existing_path", "expand_home", "find_data", "holds_images",
    "hookimpl", "list_folder", "load", "names_argument", "nfc", "read_table", "replace_atomically", "rgb_to_gray",
    "scalars", "stages_of", "train", "undecayed", "unreachable",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _RENAMED:  # an `AttributeError` would lose its message in `from framework import Observer`
        raise ImportError(f"'framework.{name}' does not exist; did you mean 'framework.{_RENAMED[name]}'?")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'framework' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
