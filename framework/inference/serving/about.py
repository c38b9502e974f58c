"""The description of the served model, `GET /model`."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from framework.evaluation.intervals import wilson_interval
from framework.recipe.saving import plain, yaml_text
from framework.runs.card import model_card, summary
from framework.runs.recipe import metrics_apply

if TYPE_CHECKING:
    from framework.data.regions import BuiltDetector
    from framework.inference.predictor import Predictor
    from framework.inference.serving.limits import Limits
    from framework.runs.trained import Trained

ABSOLUTE = re.compile(
    r"(?P<scheme>[\w+.-]{2,}:(?://(?:localhost)?)?+)?(?P<path>[/~].*|[A-Za-z]:[/\\].*|\\\\.*)", re.DOTALL
)
"""A path that is absolute or starts with `~`, on any system, or a URL of such a path."""


def describe(
    predictor: Predictor, limits: Limits, no_activation: str | None, detector: BuiltDetector | None = None
) -> dict[str, Any]:
    """As JSON types; folders of this machine are removed from the recipe."""
    trained = predictor.trained
    name, public = trained.name, without_folders(trained)
    documents = public.documents
    return {
        "name": name,
        "summary": summary(public, predictor.task),
        "classes": list(trained.classes),
        "metrics": _metrics(public, predictor.task.accuracy),
        **_thresholds(predictor),
        "calibration": documents.get("calibration"),
        "preprocessing": predictor.preprocess.as_dict(),
        "network": documents["model"]["model"],
        "recipe": public.recipe,
        "card": public.card or model_card(public, name, predictor.task),
        "versions": _versions(documents.get("environment", {})),
        "device": str(predictor.device),
        "activation": {"available": no_activation is None, "reason": no_activation},
        "detector": None if detector is None else _shortened(plain(detector.component)),
        "limits": asdict(limits),
    }


def without_folders(trained: Trained) -> Trained:
    """With `…/fer2013` instead of `/home/me/data/fer2013`, and without the recipe's comments."""
    tree, model = YAML(typ="safe").load(io.StringIO(trained.recipe)), trained.documents["model"]
    recipe = yaml_text(_shortened(tree))
    card = (trained.card or "").replace(trained.recipe.strip(), recipe.strip())
    for text in sorted({*_texts(tree), *_texts(model["model"]), *_texts(trained.detector)}, key=len, reverse=True):
        card = card.replace(text, _shortened(text))
    documents = {**trained.documents, "model": {**model, "model": _shortened(model["model"])}}
    return replace(trained, recipe=recipe, documents=documents, card=card or None)


def _shortened(value: Any) -> Any:
    """A tree with only the last part of every absolute path, also in URLs (`file://`)."""
    if isinstance(value, Mapping):
        return {name: _shortened(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_shortened(part) for part in value]
    if (
        isinstance(value, str)
        and (found := ABSOLUTE.fullmatch(value))
        and (name := PureWindowsPath(found["path"]).name)
    ):
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


def _thresholds(predictor: Predictor) -> dict[str, Any]:
    thresholds = predictor.thresholds
    return {} if thresholds is None else {"thresholds": dict(zip(predictor.classes, thresholds, strict=True))}


def _metrics(trained: Trained, accuracy: str) -> dict[str, Any]:
    """The metrics of each evaluated split as fractions, accuracy with its 95 % interval; empty for changed exports."""
    results = trained.documents.get("results", {}) if metrics_apply(trained) else {}
    return {
        split: {
            **results[split],
            f"{accuracy}_interval": list(wilson_interval(results[split][accuracy], results[split]["images"])),
        }
        for split in ("validation", "test")
        if split in results
    }


def _versions(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The versions of Python, the packages and the commit that it was trained with."""
    commit = (environment.get("git") or {}).get("commit")
    return {"python": environment.get("python"), **environment.get("packages", {}), "commit": commit}
