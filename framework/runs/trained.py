"""A finished training, wherever it lies: a run folder, a bundle, one that a plugin ships, or an ONNX export."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.data.unicode_names import nfc
from framework.errors import UserError, did_you_mean, enumerate_names
from framework.runs.bundle import SUFFIX, read_bundle
from framework.runs.folder import RunFolder, open_run
from framework.runs.onnx_file import SUFFIX as ONNX_SUFFIX
from framework.runs.onnx_file import read_onnx
from framework.runs.plugin_files import warn_of_other_files, with_plugin_files

if TYPE_CHECKING:
    from framework.components import Activation
    from framework.registry import Registry

DOCUMENTS = ("model", "results", "calibration", "data", "environment")
"""The JSON documents of a run that everything after training may look at; `model` is always there."""

LEFT_OUT = ("skipped", "dropped")
"""Lists of images, in each split of `data`."""

PRIVATE = ("command", "git", "resumed")
"""Of `environment`."""


@dataclass(frozen=True)
class Trained:
    """What `evaluate`, `predict`, `report`, `export` and `serve` start from."""

    label: str
    """As the user named it."""
    weights: Path
    """A safetensors file, or the ONNX file itself."""
    recipe: str
    """The resolved recipe, as YAML."""
    documents: Mapping[str, Any]
    """Those of `DOCUMENTS` that there are, by name."""
    folder: RunFolder | None = None
    """Where it is a run folder."""
    card: str | None = None
    """The model card that was sealed with it; a run folder has none yet."""

    @property
    def name(self) -> str:
        """What people call it: without the folders that it lies in, and without the ending of a file."""
        if self.folder is not None:
            return self.folder.path.resolve().name
        path = Path(self.label)
        return path.stem if path.is_file() else self.label

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in NFC, in the order of the network's logits."""
        return tuple(map(nfc, self.documents["model"]["classes"]))

    @property
    def temperature(self) -> float:
        """What logits are divided by before they become probabilities; 1 where nothing was calibrated."""
        return float(self.documents.get("calibration", {}).get("temperature", 1.0))

    @property
    def activation(self) -> Activation:
        """What turns its logits into probabilities."""
        named: Activation = self.documents["model"]["evaluation"].get("activation", "softmax")
        return named

    def require_weights(self) -> None:
        """Raises `UserError` for an export, whose weights lie in its graph."""
        if self.weights.suffix == ONNX_SUFFIX:
            raise UserError(f"'{self.label}' is an export; name the run or bundle that it is of")

    def for_others(self) -> Trained:
        """What may travel: without what was typed, and without the state of the user's own repository.

        The header of the recipe holds a command; of the runs of a soup only the names stay. Of images that were left
        out only the numbers stay: their names are too many for the header of a file.
        """
        lines = self.recipe.splitlines(keepends=True)
        recipe = "".join(dropwhile(lambda line: line.startswith("#"), lines))
        documents = {
            name: _for_others(document) if name in ("results", "environment") else document
            for name, document in self.documents.items()
        }
        if "data" in documents:
            documents["data"] = {split: _counted(described) for split, described in documents["data"].items()}
        return replace(self, recipe=recipe, documents=documents)

    def registry(self, registry: Registry) -> Registry:
        """The registry with the plugin files of a run folder; raises `UserError` where one is changed or missing."""
        return with_plugin_files(self.label, self.folder, self.documents.get("environment", {}), registry)


def open_trained(named: str | Path, registry: Registry) -> Trained:
    """The run folder, bundle or ONNX export of that path, or the bundle of that name, as `fer2013/compact`.

    Raises `UserError` where there is none, it is not finished, or it is damaged. torch is not imported.
    """
    trained = _open(named, registry)
    warn_of_other_files(trained.label, trained.documents.get("environment", {}), registry)
    return trained


def _open(named: str | Path, registry: Registry) -> Trained:
    label, path = str(named), Path(named)
    if path.is_dir():
        return _of_folder(label, open_run(path))
    if path.is_file():
        if path.suffix == ONNX_SUFFIX:
            return _of_onnx(label, path)
        if path.suffix != SUFFIX:
            raise UserError(
                f"'{path}' is neither a run folder nor a bundle (*{SUFFIX}) nor an ONNX export (*{ONNX_SUFFIX})"
            )
        return _of_bundle(label, path)
    if shipped := registry.bundle(label):
        return _of_bundle(label, shipped)
    bundles = registry.bundles
    beside = [str(other) for other in path.parent.iterdir()] if path.parent.is_dir() else []
    known = f" (bundles that plugins ship: {enumerate_names(bundles)})" if bundles else ""
    raise UserError(f"there is no run folder or bundle '{label}'{did_you_mean(label, [*bundles, *beside])}{known}")


def names_trained(word: str, registry: Registry) -> bool:
    """Whether it is a run folder, a bundle or an export by what can be seen from outside: nothing is opened."""
    if os.path.isfile(word):  # noqa: PTH113 (a `Path` raises where a word is too long for a name)
        return word.endswith((SUFFIX, ONNX_SUFFIX))
    run = RunFolder(Path(word))
    if os.path.isdir(word):  # noqa: PTH112
        return run.recipe.is_file() and run.weights.is_file()
    return registry.bundle(word) is not None


def _for_others(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document without what is private; where it tells of a soup, with the names of its runs, not their paths."""
    document = {key: value for key, value in document.items() if key not in PRIVATE}
    if "plugins" in document:
        document["plugins"] = {name: _without_path(about) for name, about in document["plugins"].items()}
    if "soup" not in document:
        return document
    names = {key: [Path(run).name for run in document["soup"][key]] for key in ("runs", "chosen")}
    return {**document, "soup": {**document["soup"], **names}}


def _without_path(plugin: Mapping[str, Any]) -> dict[str, Any]:
    """A plugin as `environment` describes it, without the folder of a plugin file."""
    return {key: value for key, value in plugin.items() if key != "file"}


def _counted(described: Mapping[str, Any]) -> dict[str, Any]:
    """A split of `data` with the numbers of images that were left out in place of the images."""
    counts = {f"{what}_images": len(described[what]) for what in LEFT_OUT if what in described}
    return {**{name: value for name, value in described.items() if name not in LEFT_OUT}, **counts}


def _of_folder(label: str, run: RunFolder) -> Trained:
    documents = {name: run.read(name) for name in DOCUMENTS if name == "model" or (run.path / f"{name}.json").is_file()}
    return Trained(label, run.weights, run.recipe.read_text(encoding="utf-8"), documents, run)


def _of_bundle(label: str, path: Path) -> Trained:
    documents = read_bundle(path)
    recipe, card = documents.pop("recipe"), documents.pop("card")
    return Trained(label, path, recipe, documents, card=card)


def _of_onnx(label: str, path: Path) -> Trained:
    documents = read_onnx(path)
    known = {name: documents[name] for name in DOCUMENTS if name in documents}
    return Trained(label, path, documents["recipe"], known, card=documents["card"])
