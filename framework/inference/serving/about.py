"""What a server says of the classifier that it serves."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from framework.evaluation.intervals import wilson_interval
from framework.runs.bundle import read_bundle
from framework.runs.card import model_card, summary

if TYPE_CHECKING:
    from framework.inference.predictor import Predictor
    from framework.inference.serving.limits import Limits
    from framework.runs.trained import Trained

FIGURES = ("images", "loss", "top1", "top5", "balanced_accuracy", "macro_f1", "ece", "per_class")


def public_name(trained: Trained) -> str:
    """A run or bundle by its own name, without the folders that it lies in."""
    if trained.folder is not None:
        return trained.folder.path.resolve().name
    path = Path(trained.label)
    return path.stem if path.is_file() else trained.label


def describe(predictor: Predictor, limits: Limits, no_activation: str | None) -> dict[str, Any]:
    """As JSON types. Folders of this machine that the recipe names are left out."""
    trained = predictor.trained
    name, documents = public_name(trained), trained.documents
    shown = replace(trained, recipe=without_folders(trained.recipe))
    sealed = trained.folder is None
    card = read_bundle(trained.weights, verify=False)["card"] if sealed else model_card(trained, name)
    return {
        "name": name,
        "summary": summary(dict(documents)),
        "classes": list(trained.classes),
        "metrics": _metrics(documents.get("results", {})),
        "calibration": documents.get("calibration"),
        "preprocessing": predictor.preprocess.as_dict(),
        "network": documents["model"]["model"],
        "recipe": shown.recipe,
        "card": card.replace(trained.recipe.strip(), shown.recipe.strip()),
        "versions": _versions(documents.get("environment", {})),
        "device": str(predictor.device),
        "activation": {"available": no_activation is None, "reason": no_activation},
        "limits": asdict(limits),
    }


def without_folders(recipe: str) -> str:
    """The recipe with `…/fer2013` in place of `/home/me/data/fer2013`, and without comments."""
    recipe = "".join(line for line in recipe.splitlines(keepends=True) if not line.startswith("#"))
    for text in sorted(set(_texts(YAML(typ="safe").load(io.StringIO(recipe)))), key=len, reverse=True):
        path = Path(text)
        if path.name and (path.is_absolute() or text.startswith("~")):
            recipe = recipe.replace(text, f"…/{path.name}")
    return recipe


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _texts(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _texts(value)


def _metrics(results: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of each split that was evaluated, as fractions of one, top-1 with its 95 % interval."""
    return {
        split: {
            **{name: results[split][name] for name in FIGURES if name in results[split]},
            "top1_interval": list(wilson_interval(results[split]["top1"], results[split]["images"])),
        }
        for split in ("validation", "test")
        if split in results
    }


def _versions(environment: Mapping[str, Any]) -> dict[str, Any]:
    """With what it was trained."""
    commit = (environment.get("git") or {}).get("commit")
    return {"python": environment.get("python"), **environment.get("packages", {}), "commit": commit}
