"""A trained network in any form: a run folder, a bundle, a plugin's bundle, an export."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.components import Task
from framework.data.unicode_names import nfc
from framework.errors import UserError, did_you_mean, enumerate_names
from framework.recipe.loading import validate_saved_component
from framework.registry import DEFAULT_TASK
from framework.runs.bundle import SUFFIX, read_bundle
from framework.runs.export_file import exporter_of, exporters, open_export
from framework.runs.folder import RunFolder, open_run
from framework.runs.plugin_files import warn_of_other_files, with_plugin_files
from framework.runs.plugins import naming_missing_plugins

if TYPE_CHECKING:
    from framework.components import Activation, ExportedFile, Exporter
    from framework.registry import Registry

DOCUMENTS = ("model", "results", "calibration", "thresholds", "data", "environment")
"""The JSON documents of a run that are read after training; only `model` is required."""

LEFT_OUT = ("skipped", "dropped")
"""Lists of image names in each split of the document `data`."""

PRIVATE = ("command", "git", "resumed")
"""Entries of the document `environment` that are not shared."""


@dataclass(frozen=True)
class Trained:
    """A trained network, as `evaluate`, `predict`, `report`, `export` and `serve` open it."""

    label: str
    """The name or path that the user gave."""
    weights: Path
    """A safetensors file, or the exported file itself."""
    recipe: str
    """The resolved recipe, as YAML."""
    documents: Mapping[str, Any]
    """The contents of `DOCUMENTS` by name, as far as they exist."""
    folder: RunFolder | None = None
    """Only for a run folder."""
    card: str | None = None
    """The model card of a bundle or export."""
    exported: ExportedFile | None = field(default=None, repr=False, compare=False)
    """Only for an export, whose weights are part of its graph."""

    @property
    def name(self) -> str:
        """The name to display: without parent folders and without a file's suffix."""
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
        """The temperature that divides logits; 1 without calibration."""
        return float(self.documents.get("calibration", {}).get("temperature", 1.0))

    @property
    def thresholds(self) -> tuple[float, ...] | None:
        """The logit above which each class is predicted, without temperature; None if the task has no thresholds."""
        document = self.documents.get("thresholds")
        if not document:
            return None
        logits = document.get("logits")
        valid = isinstance(logits, list) and all(
            isinstance(value, (int, float)) and isfinite(value) for value in logits
        )
        if not valid or len(logits) != len(self.classes):
            raise UserError(
                f"{self.label}: its thresholds are damaged: 'logits' must be a list of {len(self.classes)} finite "
                "numbers, one for each class"
            )
        return tuple(logits)

    def task(self, registry: Registry) -> Task:
        """The task; raises `UserError` if its plugin is not installed."""
        saved = self.documents["model"].get("task", {"name": DEFAULT_TASK})
        registry = self.registry(registry)
        with naming_missing_plugins(self.label, self.documents.get("environment", {}), registry):
            return validate_saved_component(Task, saved, registry)

    @property
    def activation(self) -> Activation:
        """What turns logits into probabilities."""
        named: Activation = self.documents["model"]["evaluation"].get("activation", "softmax")
        return named

    @property
    def is_export(self) -> bool:
        """Whether it is an exported graph."""
        return self.exported is not None

    @property
    def detector(self) -> Mapping[str, Any] | None:
        """The detector that a bundle names for photographs, with its options; None to classify whole images."""
        return self.documents.get("detector")

    def require_weights(self) -> None:
        """Raises `UserError` for an export."""
        if self.is_export:
            raise UserError(f"'{self.label}' is an export; give the run or bundle that it was exported from")

    def shareable(self) -> Trained:
        """Without what is private: command lines, the state of the user's repository, paths of the runs of a soup.

        Images that were left out are counted, not named: a file's header cannot hold many names.
        """
        lines = self.recipe.splitlines(keepends=True)
        recipe = "".join(dropwhile(lambda line: line.startswith("#"), lines))
        documents = {
            name: _without_private(document) if name in ("results", "environment") else document
            for name, document in self.documents.items()
        }
        if "data" in documents:
            documents["data"] = {split: _counted(described) for split, described in documents["data"].items()}
        return replace(self, recipe=recipe, documents=documents)

    def registry(self, registry: Registry) -> Registry:
        """The registry with the plugin files of a run folder; raises `UserError` if one is changed or missing."""
        return with_plugin_files(self.label, self.folder, self.documents.get("environment", {}), registry)


def open_trained(named: str | Path, registry: Registry) -> Trained:
    """Open the run folder, bundle or export at a path, or a plugin's bundle by its name, such as `fer2013/compact`.

    Raises `UserError` if there is none, if it is unfinished or damaged. torch is not imported.
    """
    trained = _open(named, registry)
    warn_of_other_files(trained.label, trained.documents.get("environment", {}), registry)
    return trained


def _open(named: str | Path, registry: Registry) -> Trained:
    label, path = str(named), Path(named)
    if path.is_dir():
        return _of_folder(label, open_run(path))
    if path.is_file():
        if path.suffix == SUFFIX:
            return _of_bundle(label, path)
        if exporter := exporter_of(path, registry):
            return _of_export(label, path, exporter())
        known = ", ".join(f"*{suffix}" for suffix in sorted({one.suffix for one in exporters(registry)} - {SUFFIX}))
        raise UserError(f"'{path}' is not a run folder, a bundle (*{SUFFIX}) or an export ({known})")
    if shipped := registry.bundle(label):
        return _of_bundle(label, shipped)
    bundles = registry.bundles
    beside = [str(other) for other in path.parent.iterdir()] if path.parent.is_dir() else []
    known = f" (bundles of plugins: {enumerate_names(bundles)})" if bundles else ""
    raise UserError(f"there is no run folder or bundle '{label}'{did_you_mean(label, [*bundles, *beside])}{known}")


def names_trained(word: str, registry: Registry) -> bool:
    """Whether it looks like a run folder, a bundle or an export; no file is opened."""
    if os.path.isfile(word):  # noqa: PTH113 (a `Path` raises if a word is too long for a name)
        return word.endswith((SUFFIX, *(exporter.suffix for exporter in exporters(registry))))
    run = RunFolder(Path(word))
    if os.path.isdir(word):  # noqa: PTH112
        return run.recipe.is_file() and run.weights.is_file()
    return registry.bundle(word) is not None


def _without_private(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document without private entries, and with the names of a soup's runs instead of their paths."""
    document = {key: value for key, value in document.items() if key not in PRIVATE}
    if "plugins" in document:
        document["plugins"] = {name: _without_path(plugin) for name, plugin in document["plugins"].items()}
    if "soup" not in document:
        return document
    names = {key: [Path(run).name for run in document["soup"][key]] for key in ("runs", "chosen")}
    return {**document, "soup": {**document["soup"], **names}}


def _without_path(plugin: Mapping[str, Any]) -> dict[str, Any]:
    """A plugin as `environment` describes it, without the path of a plugin file."""
    return {key: value for key, value in plugin.items() if key != "file"}


def _counted(described: Mapping[str, Any]) -> dict[str, Any]:
    """A split of `data` with the number of images that were left out instead of their names."""
    counts = {f"{what}_images": len(described[what]) for what in LEFT_OUT if what in described}
    return {**{name: value for name, value in described.items() if name not in LEFT_OUT}, **counts}


def _of_folder(label: str, run: RunFolder) -> Trained:
    documents = {name: run.read(name) for name in DOCUMENTS if name == "model" or (run.path / f"{name}.json").is_file()}
    return Trained(label, run.weights, run.recipe.read_text(encoding="utf-8"), documents, run)


def _of_bundle(label: str, path: Path) -> Trained:
    documents = read_bundle(path)
    recipe, card = documents.pop("recipe"), documents.pop("card")
    return Trained(label, path, recipe, documents, card=card)


def _of_export(label: str, path: Path, exporter: Exporter) -> Trained:
    documents, exported = open_export(path, exporter)
    known = {name: documents[name] for name in DOCUMENTS if name in documents}
    return Trained(label, path, documents["recipe"], known, card=documents["card"], exported=exported)
