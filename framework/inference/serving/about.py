"""What a server says of the classifier that it serves."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from framework.evaluation.intervals import wilson_interval
from framework.recipe.saving import yaml_text
from framework.runs.card import model_card, summary
from framework.runs.recipe import has_own_metrics

if TYPE_CHECKING:
    from framework.inference.predictor import Predictor
    from framework.inference.serving.limits import Limits
    from framework.runs.trained import Trained

FIGURES = (
    "images",
    "loss",
    "top1",
    "top5",
    "balanced_accuracy",
    "macro_f1",
    "ece",
    "tested_classes",
    "f1_classes",
    "per_class",
)
PLACE = re.compile(
    r"(?P<scheme>[\w+.-]{2,}:(?://(?:localhost)?)?+)?(?P<path>[/~].*|[A-Za-z]:[/\\].*|\\\\.*)",
    re.DOTALL,
)
"""A path that is absolute or begins at home, on any system, or the address of one."""


def describe(predictor: Predictor, limits: Limits, no_activation: str | None) -> dict[str, Any]:
    """As JSON types. Folders of this machine that the recipe names are left out."""
    trained = predictor.trained
    name, shown = trained.name, without_folders(trained)
    documents = shown.documents
    return {
        "name": name,
        "summary": summary(shown),
        "classes": list(trained.classes),
        "metrics": _metrics(shown),
        "calibration": documents.get("calibration"),
        "preprocessing": predictor.preprocess.as_dict(),
        "network": documents["model"]["model"],
        "recipe": shown.recipe,
        "card": shown.card or model_card(shown, name),
        "versions": _versions(documents.get("environment", {})),
        "device": str(predictor.device),
        "activation": {"available": no_activation is None, "reason": no_activation},
        "limits": asdict(limits),
    }


def without_folders(trained: Trained) -> Trained:
    """With `…/fer2013` in place of `/home/me/data/fer2013`, and without comments, which are notes to oneself."""
    tree, model = YAML(typ="safe").load(io.StringIO(trained.recipe)), trained.documents["model"]
    recipe = yaml_text(_shortened(tree))
    card = (trained.card or "").replace(trained.recipe.strip(), recipe.strip())
    for text in sorted({*_texts(tree), *_texts(model["model"])}, key=len, reverse=True):
        card = card.replace(text, _shortened(text))
    documents = {**trained.documents, "model": {**model, "model": _shortened(model["model"])}}
    return replace(trained, recipe=recipe, documents=documents, card=card or None)


def _shortened(value: Any) -> Any:
    """A tree, with the last part of every path that begins at a root or at home, in an address (`file://`) too."""
    if isinstance(value, Mapping):
        return {name: _shortened(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_shortened(part) for part in value]
    if isinstance(value, str) and (found := PLACE.fullmatch(value)) and (name := PureWindowsPath(found["path"]).name):
        return f"{found['scheme'] or ''}…/{name}"
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


def _metrics(trained: Trained) -> dict[str, Any]:
    """Its own metrics of each split that was evaluated, as fractions of one, top-1 with its 95 % interval."""
    results = trained.documents.get("results", {}) if has_own_metrics(trained) else {}
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
