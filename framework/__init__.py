"""An image-classification framework: one YAML recipe in, a trained and trustworthy classifier out.

What a plugin needs is here: `from framework import Model, hookimpl`. Names are imported on first use, so that
`import framework` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.components import (
        Dataset,
        Finder,
        ImageSource,
        Loss,
        Model,
        Observer,
        Optimizer,
        Scheduler,
        Transform,
        build,
        names_argument,
    )
    from framework.data.decode import BadImage, decode
    from framework.data.joined import Joined
    from framework.data.moment import Moment
    from framework.data.regions import Region
    from framework.data.roots import find_data
    from framework.data.sources import ImageArrays, ImageFiles, Splits
    from framework.data.stamps import Stamps
    from framework.data.trees import class_tree, holds_images, list_folder
    from framework.data.unicode_names import existing_path, nfc
    from framework.errors import Interrupted, UserError, did_you_mean
    from framework.hookspecs import Example, hookimpl
    from framework.inference.predictor import Predictor
    from framework.recipe import Recipe
    from framework.registry import Registry
    from framework.report.bitmaps import confusion_picture, examples_picture
    from framework.report.figures import scalars
    from framework.runs.folder import RunFolder
    from framework.training.stages import stages_of

_HOMES = {
    "framework.components": (
        "Dataset", "Finder", "ImageSource", "Loss", "Model", "Observer", "Optimizer", "Scheduler", "Transform",
        "build", "names_argument",
    ),
    "framework.data.decode": ("BadImage", "decode"),
    "framework.data.joined": ("Joined",),
    "framework.data.moment": ("Moment",),
    "framework.data.regions": ("Region",),
    "framework.data.roots": ("find_data",),
    "framework.data.sources": ("ImageArrays", "ImageFiles", "Splits"),
    "framework.data.stamps": ("Stamps",),
    "framework.data.trees": ("class_tree", "holds_images", "list_folder"),
    "framework.data.unicode_names": ("existing_path", "nfc"),
    "framework.errors": ("Interrupted", "UserError", "did_you_mean"),
    "framework.hookspecs": ("Example", "hookimpl"),
    "framework.inference.predictor": ("Predictor",),
    "framework.recipe": ("Recipe",),
    "framework.registry": ("Registry",),
    "framework.report.figures": ("scalars",),
    "framework.report.bitmaps": ("confusion_picture", "examples_picture"),
    "framework.runs.folder": ("RunFolder",),
    "framework.training.stages": ("stages_of",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BadImage",
    "Dataset",
    "Example",
    "Finder",
    "ImageArrays",
    "ImageFiles",
    "ImageSource",
    "Interrupted",
    "Joined",
    "Loss",
    "Model",
    "Moment",
    "Observer",
    "Optimizer",
    "Predictor",
    "Recipe",
    "Region",
    "Registry",
    "RunFolder",
    "Scheduler",
    "Splits",
    "Stamps",
    "Transform",
    "UserError",
    "build",
    "class_tree",
    "confusion_picture",
    "decode",
    "did_you_mean",
    "examples_picture",
    "existing_path",
    "find_data",
    "holds_images",
    "hookimpl",
    "list_folder",
    "names_argument",
    "nfc",
    "scalars",
    "stages_of",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'framework' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
