"""What a server says of the classifier that it serves."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from framework.evaluation.intervals import wilson_interval
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
    recipe = without_comments(trained.recipe)
    network = documents["model"]["model"]
    folders = _folders([YAML(typ="safe").load(io.StringIO(recipe)), network])
    card = trained.card or model_card(trained, name)
    return {
        "name": name,
        "summary": summary(dict(documents)),
        "classes": list(trained.classes),
        "metrics": _metrics(documents.get("results", {})),
        "calibration": documents.get("calibration"),
        "preprocessing": predictor.preprocess.as_dict(),
        "network": _without(folders, network),
        "recipe": _without(folders, recipe),
        "card": _without(folders, card.replace(trained.recipe.strip(), recipe.strip())),
        "versions": _versions(documents.get("environment", {})),
        "device": str(predictor.device),
        "activation": {"available": no_activation is None, "reason": no_activation},
        "limits": asdict(limits),
    }


def without_comments(recipe: str) -> str:
    """The recipe alone: a comment is a note to oneself."""
    return "".join(line for line in recipe.splitlines(keepends=True) if not line.startswith("#"))


def _folders(tree: Any) -> list[str]:
    """Paths of this machine that are named in it, the longest first."""
    named = {text for text in _texts(tree) if Path(text).name and (Path(text).is_absolute() or text.startswith("~"))}
    return sorted(named, key=len, reverse=True)


def _without(folders: Sequence[str], value: Any) -> Any:
    """With `…/fer2013` in place of `/home/me/data/fer2013`."""
    if isinstance(value, str):
        for path in folders:
            value = value.replace(path, f"…/{Path(path).name}")
    elif isinstance(value, Mapping):
        return {name: _without(folders, part) for name, part in value.items()}
    elif isinstance(value, list):
        return [_without(folders, part) for part in value]
    return value


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
